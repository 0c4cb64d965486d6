/**
 * A language model behind a budget of tokens: `deno run --allow-net examples/llm.ts`
 *
 * - Two rules for one customer: requests, and tokens, which are what costs money. Both must allow, or neither is charged.
 * - How many tokens an answer takes is known when its stream has ended. So a request is charged the most it can
 *   take, and `settle` gives back the rest then. The other way round, a hundred requests sent at once would all pass.
 * - The prompt is estimated by its length, from the header: the body of a request that is denied is never read. Where the
 *   estimate was too low, the difference is charged as well, into debt if need be.
 * - Token buckets: what has been given back can be used at once, and the budget returns bit by bit.
 */
import { byKey, memoryStore, type Settle, withRateLimit } from "@kvota/kvota";

const MAX_PROMPT_BYTES = 8_000;
const MAX_ANSWER_TOKENS = 500;
/** A rule of thumb for English text. */
const BYTES_PER_TOKEN = 4;

/** In place of a database: who owns which API key. */
const owners = new Map([["key-of-ada", "ada"], ["key-of-alan", "alan"]]);
/** What each request really took; settled by it when its stream has ended. */
const tokensOf = new WeakMap<Request, Promise<number>>();

function ownerOf(request: Request): string | null {
  return owners.get(request.headers.get("x-api-key") ?? "") ?? null;
}

function promptBytes(request: Request): number {
  return Number(request.headers.get("content-length") ?? Infinity);
}

function estimate(request: Request): number {
  // What is longer is refused by the handler, and then costs nothing.
  const bytes = Math.min(promptBytes(request), MAX_PROMPT_BYTES);
  return Math.ceil(bytes / BYTES_PER_TOKEN) + MAX_ANSWER_TOKENS;
}

/** Where nothing was asked of the model, nothing was used. */
const settle: Settle = (_outcome, request) => tokensOf.get(request) ?? 0;

async function answer(request: Request): Promise<Response> {
  if (ownerOf(request) === null) return new Response("Unknown API key\n", { status: 401 });
  if (!(promptBytes(request) <= MAX_PROMPT_BYTES)) return new Response("Send a shorter prompt\n", { status: 413 });
  const prompt = (await request.text()).split(/\s+/).filter(Boolean);
  const { promise, resolve } = Promise.withResolvers<number>();
  tokensOf.set(request, promise);
  return new Response(echo(prompt, resolve), { headers: { "content-type": "text/plain; charset=utf-8" } });
}

/** In place of a model: says the prompt again, a token for each word, and how many it took, even if nobody listens to the end. */
function echo(prompt: readonly string[], tell: (tokens: number) => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const words = prompt.slice(0, MAX_ANSWER_TOKENS);
  let said = 0;
  return new ReadableStream({
    pull(controller) {
      if (said < words.length) return controller.enqueue(encoder.encode(`${words[said++]} `));
      tell(prompt.length + said);
      controller.close();
    },
    cancel: () => tell(prompt.length + said),
  }, { highWaterMark: 0 });
}

/** The model, limited. */
export const handler = withRateLimit(answer, {
  name: "llm",
  // Without a key that we know there is no answer, and nothing to count.
  key: byKey(ownerOf),
  rules: [
    { name: "requests", limit: "30/1m" },
    { name: "tokens", limit: "20000/1m", cost: estimate, settle },
  ],
  // So that this runs anywhere. Left out, Deno KV counts, for all processes and across restarts.
  store: memoryStore(),
});

if (import.meta.main) Deno.serve(handler);
