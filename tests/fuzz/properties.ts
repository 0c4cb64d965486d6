/** All that is fuzzed. */
import { addresses } from "./addresses.ts";
import { forwarded } from "./forwarded.ts";
import { headers } from "./headers.ts";
import { limits } from "./limits.ts";
import type { FuzzProperty } from "./property.ts";

export const properties: readonly FuzzProperty[] = [...addresses, ...forwarded, ...limits, ...headers];
