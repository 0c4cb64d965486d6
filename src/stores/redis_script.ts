/** The one script, and how rows are written as text for it. */
import { sha1 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { RowWrite, StoredRow } from "./store.ts";

/** Characters of a version. A row is its version and its bytes in Base64: Bun's client reads and writes nothing but text. */
export const VERSION_LENGTH = 16;
/** The version where there is no row: longer than others, so that no text can begin with it. */
const NONE = "-".repeat(VERSION_LENGTH + 1);
/** How what is no row comes back, another type or another's text: it has a version, and can be written over. */
const FOREIGN = "?".repeat(VERSION_LENGTH);
/** Arguments that a call can be relied on to take. */
const CHUNK = 8192;

/**
 * Without arguments it gives the rows of the keys. Else the first argument has the sizes of groups of keys, or nothing where each key is one by itself; and each
 * key has three more: the version expected, milliseconds to live, and the row to be written, nothing to delete it. Groups that stand as expected are
 * written. Of the others it gives, one after the other, the place of the group's first key and its rows.
 *
 * A row that has the version to be written already stands as expected: clients send again what was not answered. All is set before
 * anything is deleted: it is a script's first write that the server refuses where memory is short. Needs no more than Redis 6.2.
 *
 * The server does nothing else meanwhile, so that what counts is what it does for each row: all are read by one command, which tells of keys of other
 * types as if they were not there; and what is written stands in arguments of its own, as cutting texts would take longer.
 */
export const SCRIPT = `local call, sub, keys, args = redis.call, string.sub, KEYS, ARGV
local function version(row)
  return row and sub(row, 1, ${VERSION_LENGTH}) or '${NONE}'
end
local function show(row)
  return row and (string.find(row, '^${"[%w+/]".repeat(VERSION_LENGTH)}') and row or '${FOREIGN}')
end
local rows = call('MGET', unpack(keys))
local missing = {}
for i = 1, #keys do
  if not rows[i] then missing[#missing + 1] = keys[i] end
end
if #missing > 0 and call('EXISTS', unpack(missing)) > 0 then
  for i = 1, #keys do rows[i] = rows[i] or call('EXISTS', keys[i]) == 1 and '${FOREIGN}' end
end
if #args == 0 then
  for i = 1, #keys do rows[i] = show(rows[i]) end
  return rows
end
local refused = {}
local sizes = args[1] ~= '' and string.gmatch(args[1], '%d+')
local first = 1
while first <= #keys do
  local last = sizes and first + sizes() - 1 or first
  local stands = true
  for i = first, last do
    local expected = args[3 * i - 1]
    if version(rows[i]) ~= expected then
      local found = version(show(rows[i]))
      stands = stands and (found == expected or found == sub(args[3 * i + 1], 1, ${VERSION_LENGTH}))
    end
  end
  if stands then
    local deletes = false
    for i = first, last do
      local row = args[3 * i + 1]
      if row == '' then deletes = true else call('SET', keys[i], row, 'PX', args[3 * i]) end
    end
    for i = first, deletes and last or 0 do
      if args[3 * i + 1] == '' then call('DEL', keys[i]) end
    end
  else
    local found = {}
    for i = first, last do found[#found + 1] = show(rows[i]) end
    refused[#refused + 1] = first - 1
    refused[#refused + 1] = found
  end
  first = last + 1
end
return refused
`;

let digest: string | undefined;

/** What servers know the script by. */
export function scriptSha(): string {
  return digest ??= bytesToHex(sha1(utf8ToBytes(SCRIPT)));
}

/** Adds the arguments of a key: what must stand there, for how long it is to be kept, and what is to, under which version. */
export function addWrite(args: string[], { version, value, expireIn }: RowWrite, next: string | null): void {
  args.push(version ?? NONE, `${Math.max(1, Math.ceil(expireIn))}`, value === null ? "" : next + toBase64(value));
}

/** A row as the script gives it: text, or what says it where a client was told to give a Buffer. */
export function decodeRow(reply: unknown): StoredRow {
  if (reply === null || reply === undefined) return { value: null, version: null };
  const stored = String(reply);
  const version = stored.slice(0, VERSION_LENGTH);
  try {
    const bytes = atob(stored.slice(VERSION_LENGTH));
    return { value: Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)), version };
  } catch {
    // Another's text, that begins as a row does.
    return { value: stored, version };
  }
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const chunk = bytes.length <= CHUNK ? bytes : bytes.subarray(at, at + CHUNK);
    text += String.fromCharCode.apply(null, chunk as unknown as number[]);
  }
  return btoa(text);
}
