/** The one script, and how rows are written as text for it. */
import { sha1 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { RowWrite, StoredRow } from "./store.ts";

/** Characters of a version. A row is its version and its bytes in Base64: Bun's client reads and writes nothing but text. */
export const VERSION_LENGTH = 16;
/** Digits of the longest life, 2^53 - 1 milliseconds. */
const LIFE_LENGTH = 16;
/** Where a row is to be written after. */
const HEAD = VERSION_LENGTH + LIFE_LENGTH;
/** The version where there is no row. */
const NONE = "-".repeat(VERSION_LENGTH);
/** How what is no row comes back, another type or another's text: it has a version, and can be written over. */
const FOREIGN = "?".repeat(VERSION_LENGTH);
/** Arguments that a call can be relied on to take. */
const CHUNK = 8192;

/**
 * Without arguments it gives the rows of the keys. Else the first argument has the sizes of groups of keys, and each key has one more: the
 * version expected, milliseconds to live, and the row to be written, nothing to delete it. Groups that stand as expected are
 * written. Of the others it gives, one after the other, the place of the group's first key and its rows.
 *
 * A row that has the version to be written already stands as expected: clients send again what was not answered. All is set before
 * anything is deleted: it is a script's first write that the server refuses where memory is short. Needs no more than Redis 6.2.
 */
export const SCRIPT = `local sub = string.sub
local function get(key)
  local row = redis.pcall('GET', key)
  return type(row) == 'table' and '${FOREIGN}' or row
end
local function version(row)
  return row and sub(row, 1, ${VERSION_LENGTH}) or '${NONE}'
end
local function show(row)
  return row and (string.find(row, '^${"[%w+/]".repeat(VERSION_LENGTH)}') and row or '${FOREIGN}')
end
local rows = {}
for i = 1, #KEYS do rows[i] = get(KEYS[i]) end
if #ARGV == 0 then
  for i = 1, #KEYS do rows[i] = show(rows[i]) end
  return rows
end
local refused = {}
local first = 1
for size in string.gmatch(ARGV[1], '%d+') do
  local last = first + size - 1
  local stands = true
  for i = first, last do
    local write = ARGV[i + 1]
    local expected = sub(write, 1, ${VERSION_LENGTH})
    if version(rows[i]) ~= expected then
      local found = version(show(rows[i]))
      stands = stands and (found == expected or found == sub(write, ${HEAD + 1}, ${HEAD + VERSION_LENGTH}))
    end
  end
  if stands then
    for i = first, last do
      local write = ARGV[i + 1]
      if #write > ${HEAD} then
        redis.call('SET', KEYS[i], sub(write, ${HEAD + 1}), 'PX', tonumber(sub(write, ${VERSION_LENGTH + 1}, ${HEAD})))
      end
    end
    for i = first, last do
      if #ARGV[i + 1] == ${HEAD} then redis.call('DEL', KEYS[i]) end
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

/** The argument of a key: what must stand there, and what is to, under which version. */
export function encodeWrite({ version, value, expireIn }: RowWrite, next: string | null): string {
  const head = (version ?? NONE) + `${Math.max(1, Math.ceil(expireIn))}`.padStart(LIFE_LENGTH, "0");
  return value === null ? head : head + next + toBase64(value);
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
