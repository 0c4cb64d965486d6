/** Waiting for time to pass, in a way that can be broken off. */

/** The longest that a timer takes (a signed number of 32 bits); whoever wants more has to sleep again. */
const LONGEST = 2 ** 31 - 1;

/** Resolves after `milliseconds`, or about 25 days if that is less; rejects with the signal's reason as soon as it is aborted. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, Math.min(milliseconds, LONGEST));
    if (signal?.aborted) aborted();
    else signal?.addEventListener("abort", aborted, { once: true });
  });
}
