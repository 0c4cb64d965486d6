// deno-lint-ignore-file no-await-in-loop -- a row is written under the version that it has by then
/** What leases of 1,000 clients write at least, whoever decides: each client's row once a second, in commits as large as the store takes. */
import type { Store } from "../mod.ts";
import { CROWD } from "./leased_job.ts";

/** A row of one token bucket, in bytes. */
const ROW = 48;
/** In milliseconds. */
const PERIOD = 1_000;
const LIFE = 120_000;

/** For ever. */
export async function commitAll(store: Store): Promise<never> {
  const size = store.maxGroupRows ?? store.maxRows;
  const versions: (string | null)[] = Array.from({ length: CROWD }, () => null);
  const start = performance.now();
  for (let written = 0;; written += size) {
    const rows = Array.from({ length: size }, (_, i) => (written + i) % CROWD);
    const writes = rows.map((row) => {
      return { key: `client ${row}`, version: versions[row]!, value: new Uint8Array(ROW), expireIn: LIFE };
    });
    const committed = await store.commit(writes);
    if (committed === null) throw new Error("Cannot write: somebody else has written");
    rows.forEach((row, i) => versions[row] = committed[i]!);
    const due = start + ((written + size) / CROWD) * PERIOD;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  }
}
