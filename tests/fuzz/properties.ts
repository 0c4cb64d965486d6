/** All that is fuzzed. */
import { addresses } from "./addresses.ts";
import { forwarded } from "./forwarded.ts";
import { headers } from "./headers.ts";
import { limits } from "./limits.ts";
import type { FuzzProperty } from "./property.ts";
import { rows } from "./rows.ts";
import { sequences } from "./sequences.ts";
import { tamperedStores } from "./tampered_stores.ts";
import { turnRows } from "./turn_rows.ts";

export const properties: readonly FuzzProperty[] = [
  ...[addresses, forwarded, limits, headers, rows, turnRows, tamperedStores, sequences].flat(),
];
