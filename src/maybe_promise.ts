/** A value, or a promise of it. See {@linkcode byKey}. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether a value has to be awaited, whichever realm or library its promise is from. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** `then(value)`, at once where the value need not be awaited. */
export function chain<T, U>(value: MaybePromise<T>, then: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return isPromise(value) ? value.then(then) : then(value);
}

/** What is made of each, in their order: a promise only where one of them has to be awaited. */
export function all<T, U>(items: readonly T[], make: (item: T) => MaybePromise<U>): MaybePromise<U[]> {
  const made: MaybePromise<U>[] = [];
  let isAwaited = false;
  try {
    for (let i = 0; i < items.length; i++) {
      const part = make(items[i]!);
      isAwaited ||= isPromise(part);
      made.push(part);
    }
  } catch (error) {
    // One failure is told; those of promises that nobody awaits any more would end the process.
    for (const part of made) if (isPromise(part)) part.then(undefined, () => {});
    throw error;
  }
  return isAwaited ? Promise.all(made) : made as U[];
}
