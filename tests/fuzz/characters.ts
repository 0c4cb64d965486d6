/** Any character of Unicode, as `fc.string`'s unit. Its own "binary" keeps a table of all of them: a second to make, and 100 MB that every collection of garbage walks. */
import fc from "fast-check";

/** Where surrogates stand, of which none is a character, and how many they are. */
const SURROGATES = 0xd800;
const COUNT = 0x800;

export const anyCharacter: fc.Arbitrary<string> = fc.nat(0x10ffff - COUNT).map(
  (n) => String.fromCodePoint(n < SURROGATES ? n : n + COUNT),
);
