/** The one script, and how rows are written as text for it. */
import { sha1 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { StoredRow } from "./store.ts";

/** Characters of a version. A row is its version and then its bytes in Base64: Bun's client reads and writes nothing but text. */
export const VERSION_LENGTH = 16;

/** How a type that is no text, or a text of others, comes back: what stands there can be told to be no row, and written over. */
const FOREIGN = "?";

/**
 * Without arguments it gives the rows of the keys. Else the first argument has the sizes of groups of keys, and each key has three more: the
 * version expected, empty for none; the row to be written, empty to delete it; its milliseconds to live. Groups that stand as
 * expected are written. Of the others it gives, one after the other, the place of the group's first key and its rows.
 *
 * A row that has the version to be written already stands as expected: clients send again what was not answered. All is set before
 * anything is deleted: it is a script's first write that the server refuses where memory is short. Needs no more than Redis 6.2.
 */
export const SCRIPT = `local function get(key)
  local row = redis.pcall('GET', key)
  return type(row) == 'table' and '${FOREIGN}' or row
end
local function show(row)
  return row and string.find(string.sub(row, 1, ${VERSION_LENGTH}), '[^%w+/]') and '${FOREIGN}' or row
end
local function version(row)
  return row and string.sub(row, 1, ${VERSION_LENGTH}) or ''
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
    local expected = ARGV[3 * i - 1]
    if version(rows[i]) ~= expected then
      local row = show(rows[i])
      local found = version(row)
      stands = stands and (found == expected or row and found == version(ARGV[3 * i]))
    end
  end
  if stands then
    for i = first, last do
      if ARGV[3 * i] ~= '' then redis.call('SET', KEYS[i], ARGV[3 * i], 'PX', ARGV[3 * i + 1]) end
    end
    for i = first, last do
      if ARGV[3 * i] == '' then redis.call('DEL', KEYS[i]) end
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

/** A row as it is stored. */
export function encodeRow(version: string, bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return version + btoa(text);
}

/** A row as the script gives it: text, or the bytes of it where a client was told to give those; what is none has a version all the same. */
export function decodeRow(reply: unknown): StoredRow {
  if (reply === null || reply === undefined) return { value: null, version: null };
  const stored = reply instanceof Uint8Array ? new TextDecoder().decode(reply) : String(reply);
  if (stored === "") return { value: null, version: null };
  const version = stored.slice(0, VERSION_LENGTH);
  try {
    const bytes = atob(stored.slice(VERSION_LENGTH));
    return { value: Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)), version };
  } catch {
    return { value: stored, version };
  }
}
