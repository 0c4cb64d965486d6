import type { MaybePromise } from "./maybe_promise.ts";
export type Match<Rest extends readonly unknown[] = never> =
  | string
  | ((request: Request, ...rest: Rest) => MaybePromise<boolean>)
  | { test(url: string): boolean };
export function compileMatch(match: unknown): (request: Request, ...rest: readonly unknown[]) => MaybePromise<unknown> {
  if (typeof match === "string") return (r) => new URL(r.url).pathname === match;
  return match as (request: Request) => unknown;
}
export function checkMatched(value: unknown): boolean {
  return value as boolean;
}
