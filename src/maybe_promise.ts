/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether a value has to be awaited, whichever realm or library its promise is from. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
