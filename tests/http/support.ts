/** What the tests of the HTTP layer share. */
import { byKey, createRateLimiter, memoryStore, type SyncRateLimiterOptions } from "../../mod.ts";
import type { Limit, SyncRateLimiter } from "../../mod.ts";
import { type BareItem, parseList } from "structured-headers";

/** Time stands still; it ends in .250 to catch rounding. */
export const clock = (): number => 1_800_000_000_250;

/** Options that count everybody together, without promises. */
export function together(limit: Limit | readonly Limit[] = "10/1h"): SyncRateLimiterOptions<readonly unknown[]> {
  return { limit, store: memoryStore(), clock, key: byKey(() => "everybody") };
}

/** A limiter that counts everybody together. */
export function limiterOf(limit: Limit | readonly Limit[]): SyncRateLimiter {
  return createRateLimiter({ limit, store: memoryStore(), clock, key: byKey(() => "everybody") });
}

/** A request. */
export function ask(init: RequestInit = {}): Request {
  return new Request("http://localhost/", init);
}

/** One member of a List: its name and its parameters. */
export interface Member {
  readonly name: unknown;
  readonly [parameter: string]: unknown;
}

/** The members of a List (RFC 9651); throws where the text is none. */
export function membersOf(list: string | null): Member[] {
  if (list === null) throw new Error("Cannot read a List: there is none");
  return parseList(list).map(([name, parameters]) => ({
    name,
    ...Object.fromEntries<BareItem>(parameters),
  }));
}
