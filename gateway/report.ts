/** What goes wrong in the gateway and behind it, for who runs it. */

/** A failure. */
export type Failure =
  | { readonly event: "upstream-failed"; readonly status: number; readonly error: string }
  | { readonly event: "request-failed" | "redis-failed"; readonly error: string };

/** Is told of failures. */
export type Report = (failure: Failure) => void;

/** Tells them as JSON, one line a second at most: while an upstream is down, each request fails. */
export function reporting(write: (line: string) => void, clock: () => number = Date.now): Report {
  let quietUntil = 0;
  let omitted = 0;
  return (failure) => {
    const now = clock();
    if (now < quietUntil) {
      omitted++;
      return;
    }
    quietUntil = now + 1000;
    write(JSON.stringify({ time: new Date(now).toISOString(), ...failure, omitted }));
    omitted = 0;
  };
}
