/** What a limiter adds to answers, and what it answers itself. */
import { namesEverybody } from "../client/by_ip.ts";
import { optionInvalid, show } from "../errors.ts";
import type { Limiter } from "../limiter.ts";
import { isPromise } from "../maybe_promise.ts";
import type { RateLimitResult } from "../result.ts";
import { type HeaderWriter, headerWriter, retryAfterOf } from "./headers.ts";
import { problemResponses } from "./problem.ts";
import type { SrvxRequest } from "./sent.ts";
import { typedHeadersOf } from "./typed_headers.ts";

/** What a handler may give: a response, or on Bun `undefined` for a request that it has upgraded. See {@linkcode withRateLimit}. */
export type Answer = Response | undefined | void;

/** A limiter's way of answering, whatever calls the handlers behind it. */
export class Answers {
  readonly #write: HeaderWriter | undefined;
  readonly #problem: (result: RateLimitResult, request: Request) => Response;
  readonly #custom: Limiter["http"]["response"];

  constructor({ http, limitNames }: Limiter) {
    const { headers = "draft-11", exposeHeaders, response, skip, rules, key, mode } = http;
    const isQuiet = skip !== undefined || rules !== undefined || mode === "shadow" ||
      (key !== undefined && !namesEverybody(key));
    this.#write = headerWriter(headers, exposeHeaders, limitNames, isQuiet);
    this.#problem = problemResponses(this.#write);
    this.#custom = response;
  }

  /** The answer to a request that was denied; its body is cancelled. */
  denied(result: RateLimitResult, request: Request, rest: readonly unknown[]): Response {
    // Not read, but told so. A body that somebody holds already cannot be cancelled, and need not be. On Node a connection whose body srvx has
    // cancelled answers nothing any more; what nobody has asked for Node reads past by itself.
    if ((request as SrvxRequest).runtime?.node === undefined) request.body?.cancel().catch(() => {});
    const standard = this.#problem(result, request);
    if (this.#custom === undefined) return standard;
    const custom: unknown = this.#custom(result, request, standard, ...rest);
    if (!(custom instanceof Response)) {
      // What an async function rejects with would end the process, where nobody waits for it.
      if (isPromise(custom)) custom.then(undefined, () => {});
      throw optionInvalid("answer a denied request", `\`response\` must give a Response, received ${show(custom)}`);
    }
    if (this.#write === undefined || custom.status < 200) return custom;
    // A copy, as this may be one object for all: what is said of waiting here must not stand there the next time.
    const own = typedHeadersOf(custom);
    const { body, status, statusText } = custom;
    return this.told(new Response(body, { status, statusText, headers: own }), result);
  }

  /**
   * The same answer with the rate-limit headers: the same object, unless its headers cannot be changed. One that the handler gives again
   * says nothing of another request, `null` being one that nothing was decided of.
   */
  told<Given extends Answer>(answer: Given, result: RateLimitResult | null): Given | Response {
    const write = this.#write;
    // 101 is an upgraded connection, 0 is Response.error(): neither is a response that could carry headers.
    // What is no response at all is the runtime's to refuse.
    if (write === undefined || !answer?.headers || answer.status === 101 || answer.status === 0) return answer;
    try {
      addHeaders(answer.headers, result, write);
      return answer;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      // What fetch() and Response.redirect() give is immutable (Fetch, section 5.5).
      const copy = new Response(answer.body, answer);
      addHeaders(copy.headers, result, write);
      return copy;
    }
  }
}

function addHeaders(headers: Headers, result: RateLimitResult | null, write: HeaderWriter): void {
  write(headers, result);
  if (result === null || result.ok) return;
  const retryAfter = retryAfterOf(result);
  if (retryAfter !== null && !headers.has("Retry-After")) headers.set("Retry-After", retryAfter);
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
}
