// deno-lint-ignore-file no-await-in-loop -- a client asks again once it was answered
/** One limiter of a process that is told what to do, and how it is asked. */
import { writeSync } from "node:fs";
import { byHeader, byKey, createRateLimiter, deniedResponse, type RateLimiter, type Store } from "../../mod.ts";
import { ADMITTED, type Asked, type Look, type Looked, type Ran, type Run } from "./orders.ts";
import { Watch } from "./watch.ts";

/** A machine that is busy with the other processes must not make a store of this one late, but where deadlines are tried. */
const TIMEOUT = 30_000;

export class Limited {
  readonly limiter: RateLimiter;
  readonly #timeout: number;
  #events: string[] = [];
  /** Whether the store is done without. */
  #isAway = false;
  #now = 0;

  constructor(store: Store, asked: Asked) {
    const { limit, beside, consistency = "strict", storeTimeout = TIMEOUT, onStoreFailure = "memory", ahead } = asked;
    const rule = { name: "each", limit, key: byHeader("x-api-key") };
    this.#timeout = storeTimeout;
    this.limiter = createRateLimiter({
      // A process makes a limiter for each test, and has nobody tell it that they differ, or that its clients are easily guessed.
      name: JSON.stringify([limit, beside]),
      secret: "the processes' own",
      rules: beside === undefined ? [rule] : [rule, { name: "all", limit: beside, key: byKey(() => "all") }],
      store,
      storeTimeout,
      onStoreFailure,
      consistency,
      clock: () => ahead === undefined ? this.#now : Date.now() + ahead,
      onEvent: (event) => {
        this.#events.push("error" in event ? `${event.type}: ${event.error}` : event.type);
        if (event.type === "fallback-began") this.#isAway = true;
        if (event.type === "fallback-ended") this.#isAway = false;
      },
    });
  }

  async run(run: Run, stop: AbortSignal): Promise<Ran> {
    const { requests = Infinity, lasts = Infinity, inFlight, pause = 0, now = 0, tells = false } = run;
    this.#now = now;
    this.#events = [];
    const watch = new Watch(this.#timeout);
    const end = performance.now() + lasts;
    const sources = { memory: 0, store: 0, lease: 0, cache: 0, fallback: 0 };
    const seen: Record<string, number> = {};
    const { storeCalls } = this.limiter.stats();
    let made = 0;
    // Not before the store has all that it is owed.
    const isOver = (): boolean => (made >= requests || performance.now() >= end || stop.aborted) && !this.#isAway;
    const client = async (): Promise<void> => {
      while (!isOver()) {
        const request = requestOf(run, made++);
        const answered = watch.begin();
        const result = (await this.limiter.check(request))!;
        answered();
        sources[result.source]++;
        const what = result.ok ? "200" : await problemOf(deniedResponse(result, request));
        seen[what] = (seen[what] ?? 0) + 1;
        if (result.ok && tells) writeSync(1, `${ADMITTED}\n`);
        // A store that is done without is not waited for: timers would never have their turn.
        if (pause > 0 || this.#isAway) await new Promise((resolve) => setTimeout(resolve, pause));
      }
    };
    // Even the last of them may find the store gone.
    while (!isOver()) await Promise.all(Array.from({ length: inFlight }, client));
    return {
      made,
      admitted: seen["200"] ?? 0,
      seen,
      sources,
      storeCalls: this.limiter.stats().storeCalls - storeCalls,
      events: this.#events,
      ...watch.end(),
    };
  }

  async look(look: Look): Promise<Looked> {
    this.#now = look.now ?? 0;
    const each = this.limiter.rule("each");
    const peek = async (_: unknown, i: number): Promise<number> => {
      const key = await each.keyOf(requestOf(look, i));
      const { remaining, source } = await each.peek(key!);
      if (source === "fallback") throw new Error("Cannot look at what is left: the store does not answer");
      return remaining;
    };
    const remaining = await Promise.all(Array.from({ length: look.clients ?? 1 }, peek));
    if (look.beside === undefined) return { remaining, besideRemaining: undefined };
    return { remaining, besideRemaining: (await this.limiter.rule("all").peek("all")).remaining };
  }
}

function requestOf({ apiKey, clients = 1 }: Run | Look, number: number): Request {
  const name = clients === 1 ? apiKey : `${apiKey}, number ${number % clients}`;
  return new Request("http://localhost/", { headers: { "x-api-key": name } });
}

async function problemOf(response: Response): Promise<string> {
  const { type } = await response.json() as { type: string };
  return `${response.status} ${type}`;
}
