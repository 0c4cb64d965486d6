/** What becomes of rows in a store: bits that flip, writes that were cut short, other programs' values. */
import fc from "fast-check";

/** One thing that happens to a row's bytes; places are counted around. */
export type Edit =
  | { readonly kind: "flip"; readonly bit: number }
  | { readonly kind: "cut"; readonly length: number }
  | { readonly kind: "extend"; readonly bytes: Uint8Array }
  | { readonly kind: "version"; readonly version: number }
  /** Another number where one stands. */
  | { readonly kind: "number"; readonly place: number; readonly number: number }
  | { readonly kind: "shift"; readonly place: number; readonly by: number }
  | { readonly kind: "swap"; readonly place: number; readonly other: number };

/** What becomes of a row: edited, or another program's value. */
export type Tampering = { readonly edits: readonly Edit[] } | { readonly foreign: unknown };

/** Bytes of a row before its numbers. */
const HEADER = 8;
const MAX = Number.MAX_SAFE_INTEGER;

const place = fc.nat(40);
/** What no charge leaves. */
export const impossible: fc.Arbitrary<number> = fc.constantFrom(
  ...[NaN, Infinity, -Infinity, -1, 0.5, 5e-324, -(2 ** 53), 2 ** 53, 1e300],
);
const possible = fc.oneof(
  fc.constantFrom(0, -0, 1, MAX, MAX - 1, 2 ** 52),
  fc.nat(100),
  fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
  fc.nat(MAX),
);
const by = fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -200_000, max: 200_000 }));

const foreign = fc.constantFrom<unknown>(
  ...["", "rubbish", "?".repeat(40), 7, 7n, null, true, [], { limit: Infinity }, new Date(0), new Uint8Array(0)],
  ...[new Uint8Array(30_000).fill(1), new Float64Array(5)],
).map((foreign): Tampering => ({ foreign }));

/** Numbers that are numbers still: rows that could be taken for sound ones. */
const plausible: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("number" as const), place, number: possible }),
  fc.record({ kind: fc.constant("shift" as const), place, by }),
  fc.record({ kind: fc.constant("swap" as const), place, other: place }),
);
const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 6, arbitrary: plausible },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("flip" as const), bit: fc.nat(2_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut" as const), length: fc.nat(200) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("extend" as const),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 24 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("version" as const), version: fc.integer({ min: 0, max: 255 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("number" as const), place, number: impossible }) },
);

/** What no row says, whatever limits it is of: another version, a length that none has, another program's value. */
export const ruins: fc.Arbitrary<Tampering> = fc.oneof(
  fc.record({ kind: fc.constant("version" as const), version: fc.integer({ min: 2, max: 255 }) }).map(only),
  fc.record({ kind: fc.constant("number" as const), place, number: impossible }).map(only),
  fc.nat(7).map((odd) => only({ kind: "cut", length: odd })),
  fc.uint8Array({ minLength: 1, maxLength: 7 }).map((bytes) => only({ kind: "extend", bytes })),
  foreign,
);

function only(edit: Edit): Tampering {
  return { edits: [edit] };
}

/** What happens to one row. */
export const edits: fc.Arbitrary<Edit[]> = fc.oneof(
  { weight: 3, arbitrary: fc.array(plausible, { minLength: 1, maxLength: 6 }) },
  { weight: 1, arbitrary: fc.array(anyEdit, { minLength: 1, maxLength: 6 }) },
);

/** What comes to stand where a row stood. */
export const tampering: fc.Arbitrary<Tampering> = fc.oneof(
  { weight: 5, arbitrary: edits.map((edits) => ({ edits })) },
  { weight: 1, arbitrary: ruins },
);

/** The same, in the row's place. */
export function tampered(row: Uint8Array, tampering: Tampering): unknown {
  return "edits" in tampering ? edited(row, tampering.edits) : tampering.foreign;
}

/** The row with all that done to it. */
export function edited(row: Uint8Array, edits: readonly Edit[]): Uint8Array {
  return edits.reduce(edit, row);
}

function edit(row: Uint8Array, edit: Edit): Uint8Array {
  if (edit.kind === "extend") return Uint8Array.of(...row, ...edit.bytes);
  if (row.length === 0) return row;
  const bytes = row.slice();
  switch (edit.kind) {
    case "cut":
      return bytes.subarray(0, edit.length % row.length);
    case "flip":
      bytes[(edit.bit >> 3) % row.length]! ^= 1 << (edit.bit & 7);
      return bytes;
    case "version":
      bytes[0] = edit.version;
      return bytes;
    default:
      changeNumbers(bytes, edit);
      return bytes;
  }
}

function changeNumbers(bytes: Uint8Array, edit: Extract<Edit, { readonly place: number }>): void {
  const count = Math.floor((bytes.length - HEADER) / 8);
  if (count <= 0) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const placeOf = (place: number): number => HEADER + 8 * (place % count);
  const at = placeOf(edit.place);
  const number = view.getFloat64(at, true);
  if (edit.kind === "number") view.setFloat64(at, edit.number, true);
  else if (edit.kind === "shift") view.setFloat64(at, number + edit.by, true);
  else {
    const other = placeOf(edit.other);
    view.setFloat64(at, view.getFloat64(other, true), true);
    view.setFloat64(other, number, true);
  }
}
