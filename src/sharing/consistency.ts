/** What a count promises where several processes share a store. */

/**
 * How sure a count is, in a store that several processes share.
 *
 * - `"strict"`: what is let in has been charged in the store before.
 * - `"leased"`: it has been charged as well, but up to a second ahead, some for whoever comes next.
 * - `"eventual"`: answered at once, and charged afterwards, every `syncInterval`: each process may let in too much of what arrives within one.
 *
 * Limits whose charges have a place of their own, `leaky-bucket` and `concurrency`, are strict in any case.
 *
 * See {@linkcode denoKvStore}.
 */
export type Consistency = "strict" | "leased" | "eventual";
