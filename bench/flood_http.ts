// deno-lint-ignore-file no-await-in-loop -- one visitor after the other
/** A flood over HTTP: every request is a newcomer's; who was denied before, and who returns, ask in between. */
import { record, type Runtime, type Samples } from "./figures.ts";
import { LIMIT, SMALL_HEAP } from "./flood_contenders.ts";
import { ask, withServer } from "./http.ts";
import { pathTo, script, type Tools } from "./runtimes.ts";

export const SERVED = ["bare", "kvota", "hono + hono-rate-limiter"] as const;
export const SECONDS = 6;

const DENIED = Array.from({ length: 100 }, (_, i) => `203.0.113.${i}`);
const RETURNING = Array.from({ length: 100 }, (_, i) => `198.51.100.${i}`);
/** Milliseconds. */
const BETWEEN_VISITS = 100;

export async function measureFloodedServer(
  tools: Tools,
  samples: Samples,
  runtime: Runtime,
  variant: (typeof SERVED)[number],
): Promise<void> {
  const heap = variant === "hono + hono-rate-limiter" ? undefined : SMALL_HEAP;
  const figure = (what: string, value: number) => record(samples, `${runtime}/flood/http ${variant}/${what}`, value);
  await withServer(tools, script(tools, runtime, "flood_server.ts", [variant], heap), async (url) => {
    for (const client of DENIED) for (let i = 0; i <= LIMIT; i++) await isServed(url, client);
    figure("before", await memoryOf(url));
    const flooding = flood(tools, url);
    const setFree = new Set<string>();
    let [turnedAway, visits] = [0, 0];
    let half = NaN;
    while (!flooding.isOver()) {
      if (Number.isNaN(half) && flooding.seconds() >= SECONDS / 2) half = await memoryOf(url);
      const [denied, returning] = [DENIED, RETURNING].map((clients) => clients[visits % clients.length]!);
      if (await isServed(url, denied!)) setFree.add(denied!);
      if (!await isServed(url, returning!)) turnedAway++;
      visits++;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_VISITS));
    }
    figure("half", half);
    figure("after", await memoryOf(url));
    for (const client of DENIED) if (await isServed(url, client)) setFree.add(client);
    const { rate, asked, refused } = await flooding.result;
    figure("rate", rate);
    figure("newcomers", asked);
    figure("setFree", setFree.size / DENIED.length);
    figure("turnedAway", turnedAway + refused);
  });
}

function flood(tools: Tools, url: string) {
  const start = performance.now();
  let isOver = false;
  const result = ask(tools, url, SECONDS, ["-s", pathTo("newcomers.lua")]).finally(() => isOver = true);
  return { result, isOver: () => isOver, seconds: () => (performance.now() - start) / 1000 };
}

/** Megabytes. */
async function memoryOf(url: string): Promise<number> {
  return Number(await (await fetch(`${url}memory`)).text()) / 2 ** 20;
}

async function isServed(url: string, client: string): Promise<boolean> {
  const response = await fetch(url, { headers: { "X-Forwarded-For": client } });
  await response.body?.cancel();
  if (response.status !== 200 && response.status !== 429) throw new Error(`Cannot flood: answered ${response.status}`);
  return response.ok;
}
