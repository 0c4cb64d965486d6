/**
 * # Errors
 *
 * What this package throws is a built-in error with a `code` that stays. The message says what was received and ends with the address of the code's section here.
 * Denials are no errors: `limit()` gives a result with `ok: false`, `withRateLimit` a response with status 429.
 *
 * What can hardly have been meant is no error either. It is told: by `onEvent` as `misconfiguration`, with one of the codes whose cause begins with "Told", and in development by a warning on the console.
 *
 * ```ts
 * import { createRateLimiter } from "@kvota/kvota";
 * import type { KvotaErrorCode } from "@kvota/kvota/errors";
 *
 * function codeOf(error: unknown): KvotaErrorCode | undefined {
 *   return error instanceof Error && "code" in error ? error.code as KvotaErrorCode : undefined;
 * }
 *
 * try {
 *   createRateLimiter({ limit: "100/1minute" });
 * } catch (error) {
 *   if (codeOf(error) !== "KVOTA_LIMIT_INVALID") throw error;
 * }
 * ```
 *
 * Most are thrown while a limiter is made, so that a mistake shows when the program starts. Those of a request are marked: `withRateLimit` lets them through to
 * the server, which answers 500; nothing is charged, and the handler is not called.
 *
 * ## KVOTA_CLIENT_UNKNOWN
 *
 * **Cause.** At a request: `byIp()`, the default key, found no address. The handler did not get what the runtime tells of the peer, the server listens on a Unix
 * socket, or the connection is closed already. Clients without an address are never counted together by accident.
 *
 * **Mend.** Pass on what the runtime gives: `info` on Deno, `server` on Bun, the bindings of `@hono/node-server`. Behind a proxy on a Unix socket, say
 * `byIp({ trustedProxies: ["unix"] })`; where the platform is the only way in, `byIp({ trustedProxies: ["platform"], header: "cf-connecting-ip" })`
 * with its own header. Else choose another `key`, such as `byHeader()` or `byKey()`.
 *
 * ## KVOTA_CLOCK_INVALID
 *
 * **Cause.** At a request: `clock` gave something else than epoch milliseconds, a number from 0 below 2^53. Or a `ManualClock` was set to such a thing.
 *
 * **Mend.** Give milliseconds: `() => Date.now()`, not seconds, not a `Date`, not `performance.now()`.
 *
 * ## KVOTA_CLOSED
 *
 * **Cause.** A limiter was used after its `close()`, or after the end of the `await using` that held it.
 *
 * **Mend.** Close it when the last request has been answered: `await server.shutdown()` first, then `await limiter.close()`.
 *
 * ## KVOTA_COST_INVALID
 *
 * **Cause.** At a request: `cost`, or the cost given to a limiter's method or to `result.settle()`, was not a non-negative integer. Where the option `settle` gave it, `onEvent` tells it as
 * `settle-failed`, and what was charged stays.
 *
 * **Mend.** Round up (`Math.ceil`), and say what is to happen where nothing is known: `Number(header)` of a header that is not there is `NaN`.
 *
 * ## KVOTA_COST_TOO_LARGE
 *
 * **Cause.** `wait()` was asked for more units than a limit ever allows at once (`burst`, else `limit`): it would wait for ever. `limit()` denies such a cost, with
 * `retryAfter: Infinity`.
 *
 * **Mend.** Ask for less at a time, or raise `burst`.
 *
 * ## KVOTA_DURATION_INVALID
 *
 * **Cause.** A duration is neither a positive integer of milliseconds nor text such as `"250ms"`, `"10s"`, `"1m"`, `"2h"`, `"1d"`, or is longer than can be counted.
 *
 * **Mend.** Write one number and one unit: `"90s"` rather than `"1m30s"`, `"7d"` rather than `"1w"`.
 *
 * ## KVOTA_KEY_INVALID
 *
 * **Cause.** At a request: a key selector gave something else than a non-empty string or `null`. Or a key given to a limiter's method is no non-empty string, or what
 * `hashedKey()` was given is no text.
 *
 * **Mend.** Give `null` where the rule is not for this request. What it must not be by accident is `undefined` or `""`: all such requests would share one count.
 *
 * ## KVOTA_LIMITER_PER_REQUEST
 *
 * **Cause.** Told: of limiters made alike in this process, 50 have decided once each and are held by nobody any more, and none has decided twice. A limiter made for each request counts in a memory of its own, and lets everybody in; in a
 * shared store it counts right, but is slow.
 *
 * **Mend.** Make it once, where the program starts: `const limited = withRateLimit(handler, options)` outside of what is called for each request. Tests that make many close them: `await limiter.close()`.
 *
 * ## KVOTA_LIMIT_INVALID
 *
 * **Cause.** A limit cannot be read or counted: text outside the grammar (the message names the character), a count that is no positive integer, an unknown algorithm, `burst` where the
 * algorithm has none, no limit at all (`[]`), more units than a log holds, or numbers so large that counting would not be exact.
 *
 * **Mend.** `"100/1m"`, then `burst 20` or the name of an algorithm if wanted; or `{ limit: 100, window: "1m" }`. Of a limit that is too large for its arithmetic, divide count and
 * window by the same number.
 *
 * ## KVOTA_MATCH_INVALID
 *
 * **Cause.** A rule's `match` cannot be read (the message names the character), is neither text, a function nor an object with `test(url)`, is a `RegExp` with the flag `g` or `y`, which goes on
 * where it last stopped, or a function that gave something else than `true` or `false` at a request.
 *
 * **Mend.** `"POST /login"`, `"GET,HEAD /api/*"`, `"/users/:id"`; a function gives a boolean, such as `request.headers.has("cookie")`.
 *
 * ## KVOTA_MEMORY_ISOLATED
 *
 * **Cause.** Told: a limiter counts in memory on Cloudflare Workers, Deno Deploy, Vercel, AWS Lambda (Netlify's functions too), Cloud Run or another edge runtime. Those run a program in many instances, and
 * end them when they like: each counts by itself, and a client has its limit in each.
 *
 * **Mend.** Count in a store that they share: `denoKvStore()` on Deno Deploy, a `Store` of yours elsewhere. Or take the limit for what it is there: a bound on each instance.
 *
 * ## KVOTA_NAME_INVALID
 *
 * **Cause.** A name of a limiter, rule, plan or limit is not 1 to 128 characters of printable ASCII, which is what headers can carry; or two that must differ are the same.
 *
 * **Mend.** Name it otherwise. Two limits of one text need a `name` each.
 *
 * ## KVOTA_NAME_SHARED
 *
 * **Cause.** Told: two limiters of this process have one store (or stores on one path, URL or client, with one prefix; `":memory:"` is a database each time) and one `name`, which is `"default"` unless said, and other limits. They count apart, as a limit that was changed starts fresh; were
 * their limits ever the same, they would count as one.
 *
 * **Mend.** Give each a `name`, or make one with several `rules`. Where one replaces the other, close the other first.
 *
 * ## KVOTA_ONE_CLIENT
 *
 * **Cause.** Told: the first 1,000 requests all had one address, and one that is not of the internet: loopback, private, link-local or a carrier's. Most likely it is a proxy's, and all who come by it share one count.
 * Nothing is wrong where there is one client indeed, such as a load test or the one service that calls.
 *
 * **Mend.** Have the proxy write who the client is, and name both: `byIp({ trustedProxies: ["loopback"], header: "x-real-ip" })`.
 *
 * ## KVOTA_OPTION_INVALID
 *
 * **Cause.** An option, also one of a method such as `limit(key, { cost })`, is unknown (the message names it), of the wrong kind, or does not go with another, such as `limit` beside `plans`. Or a function of yours, `skip` or `response`, gave something else
 * than what it is to give, at a request. Or a store commits fewer rows at once than the limiter has rules; in a Redis Cluster that is one, without a `hashTag`.
 *
 * **Mend.** What the message says. TypeScript finds most of them before the program runs.
 *
 * ## KVOTA_PLAN_UNKNOWN
 *
 * **Cause.** At a request: `plan` gave a name that `plans` does not have, or a method was called without a plan for a rule that needs one.
 *
 * **Mend.** Give a plan to everybody: `plan: (request) => planOf(request) ?? "free"`. Names that users choose are no plans.
 *
 * ## KVOTA_PROXY_UNTRUSTED
 *
 * **Cause.** Told: ten requests came from one loopback or private address, each with a header such as `X-Forwarded-For`, and none without; and `byIp()` trusts no proxy. All clients behind that proxy share one count. What
 * clients of the internet send by themselves is never taken for a proxy.
 *
 * **Mend.** `byIp({ trustedProxies: ["loopback"] })`, with `header` where the proxy writes another than `X-Forwarded-For`. Make sure that it is your proxy, and that nobody gets past it: whoever comes from a
 * trusted address may say to be anybody.
 *
 * ## KVOTA_RULES_TOO_MANY
 *
 * **Cause.** At a request: more than 9 rules apply to it. They are committed as one, and stores take ten rows at once. Or one memory store has counted by 65,535 different limits (names do not matter), and was to count by one more.
 *
 * **Mend.** Put limits with the same key into one rule, `limit: ["10/1s", "1000/1h"]`, or narrow `match`. Where each customer has limits of their own, round them, or make a store for so many of them.
 *
 * ## KVOTA_RULE_UNKNOWN
 *
 * **Cause.** `limiter.rule(name)` or `result.settle(cost, name)` was asked for a rule that the limiter does not have. The message names those that it has.
 *
 * **Mend.** Use one of them. A limiter without `rules` has one, called as the limiter is: `"default"` unless `name` says otherwise.
 *
 * ## KVOTA_SECRET_MISSING
 *
 * **Cause.** Told: `byHeader()` or `byCookie()` counts without `secret`, and the first 20 values were all easy to guess: numbers, names, addresses of mail, passwords, anything with less than 64 bits. The keys in store, events and
 * log are plain SHA-256 of them: whoever sees a key finds the value by trying.
 *
 * **Mend.** Set `secret` to random text, the same in all processes that count together. `hashedKey(name, value, secret)` then gives the key of a value.
 *
 * ## KVOTA_STORE_BROKEN
 *
 * **Cause.** `testStore()` found that a store does not keep its contract. The message lists each promise that is broken, with what was seen instead; `errors` has an error for each.
 *
 * **Mend.** Mend the store. Many broken promises have one cause: begin with the first.
 *
 * ## KVOTA_STORE_CONFLICT
 *
 * **Cause.** Fifty commits in a row were refused, as somebody else wrote the same rows each time. Told by `onEvent` as `store-failed`; the requests were decided as `onStoreFailure` says.
 *
 * **Mend.** Look for something else that writes under the same prefix, or a store that refuses commits that it should take: `testStore()` tells. Many processes that saturate one key want
 * `consistency: "leased"`.
 *
 * ## KVOTA_STORE_FAILED
 *
 * **Cause.** `refund()`, `block()`, `reset()`, `settle()` or `release()` could not be written to the shared store; `cause` says why. In this process it is done. What
 * `withRateLimit` does of these by itself is told by `onEvent`, as `settle-failed` and `release-failed`.
 *
 * **Mend.** See why the store is down. Call `block()` and `reset()` again when it is back, if other processes are to know.
 *
 * ## KVOTA_STORE_TIMEOUT
 *
 * **Cause.** The store has not answered within `storeTimeout`. Told by `onEvent` as `store-failed`; the requests were decided as `onStoreFailure` says. Or `close()` was rejected, as the
 * store's own had not ended by then.
 *
 * **Mend.** See why the store is slow. A longer `storeTimeout` lets requests wait longer; a store that is always far away wants `consistency: "leased"` or `"eventual"`.
 *
 * ## KVOTA_WAIT_TOO_LONG
 *
 * **Cause.** `wait()` would take longer than `maxWait`. Nothing is charged, and no place is taken.
 *
 * **Mend.** Treat it as a denial: give the work up, or put it off.
 *
 * @module
 */
export type { KvotaErrorCode, MisconfigurationCode } from "./src/errors.ts";
