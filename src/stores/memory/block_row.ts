/** A blocked key's row: one cell, the epoch millisecond at which its block ends. */
import type { Evictable } from "./table.ts";

/** Later than any end; turns ends into shares so that the block that ends first is the first to go. */
const FOREVER = 2 ** 53;

/** How a table weighs blocks against each other. */
export const blockRow: Evictable & { share(until: number): number } = {
  layout: "block",
  width: 1,
  expiresAt: (cells, at) => cells[at]!,
  shareLeft: (cells, at) => blockRow.share(cells[at]!),
  share: (until) => 1 - until / FOREVER,
};
