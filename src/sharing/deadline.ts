import { kvotaError } from "../errors.ts";

/**
 * What `call` gives, unless it takes longer than `milliseconds`: then a rejection with `late`, and whatever it does later is not heard of any more.
 *
 * Remote databases retry for ever by themselves, so that every call needs a deadline of the caller's own.
 */
export function withDeadline<T>(call: () => Promise<T>, milliseconds: number, late?: Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late ?? lateError()), Math.max(0, milliseconds));
    // Within an async function, so that what it throws at once rejects as well.
    (async () => await call())().then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** What has deadlines of its own. */
interface Waiting {
  /** What is due by now, and waits no longer. */
  takeDue(now: number): readonly { failed(error: unknown): void }[];
}

/** A timer that does not keep the process alive. */
export function idleTimer(callback: () => void, milliseconds: number): ReturnType<typeof setTimeout> {
  const timer: unknown = setTimeout(callback, milliseconds);
  const { Deno } = globalThis as { Deno?: { unrefTimer?(timer: unknown): void } };
  if (typeof timer === "object" && timer !== null && "unref" in timer) (timer as { unref(): void }).unref();
  else Deno?.unrefTimer?.(timer);
  return timer as ReturnType<typeof setTimeout>;
}

/** Tells all that is due by now that it is late. */
export function endDue(waiting: readonly Waiting[], now: number, gaveUp: (error: unknown) => void): void {
  let late: Error | undefined;
  for (const some of waiting) for (const work of some.takeDue(now)) work.failed(late ??= lateError());
  if (late !== undefined) gaveUp(late);
}

/** The error of what came too late. */
export function lateError(): Error {
  return kvotaError("Error", "KVOTA_STORE_TIMEOUT", "Cannot reach the store: it has not answered in time");
}

export function isLate(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "KVOTA_STORE_TIMEOUT";
}
