/** What observers, events and logs do to a server while it is attacked, and the other way round. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import {
  byKey,
  type DecisionEvent,
  type LimiterEvent,
  logDenials,
  type RateLimiter,
  type RateLimiterOptions,
} from "../../mod.ts";
import { clock, soon } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { limited, plain } from "./server.ts";

type Options = RateLimiterOptions<readonly unknown[]>;

const MEGABYTE = 2 ** 20;
/** Bun collects too little by itself in so short a time. */
const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };

/** What an observer may do that it should not. */
const observers: Readonly<Record<string, (event: object) => unknown>> = {
  "throws an error": () => {
    throw new Error("observer");
  },
  "throws nothing": () => {
    throw undefined;
  },
  "rejects": () => Promise.reject(new Error("observer")),
  "rejects with nothing": () => Promise.reject(undefined),
  "never settles": () => new Promise(() => {}),
  "is slow": () => {
    const end = performance.now() + 2;
    while (performance.now() < end);
  },
  "gives what throws when it is awaited": () => ({
    get then(): never {
      throw new Error("then");
    },
  }),
  "gives what throws when it is asked": () => ({
    then(): never {
      throw new Error("then");
    },
  }),
  "writes the event over": (event) => {
    for (const name of Object.keys(event)) Reflect.set(event, name, undefined);
  },
  "writes the decision over": (event) => {
    const { result } = event as { result?: object };
    for (const name of ["ok", "remaining", "retryAfter", "toJSON"]) {
      Object.defineProperty(result, name, { value: true });
    }
  },
  "writes over what the decision tells": (event) => {
    const { result } = event as Partial<DecisionEvent>;
    if (result === undefined) return;
    const states = [result.limits, result.rules, ...result.rules.map(({ limits }) => limits)].flat();
    for (const state of states) for (const name of Object.keys(state)) Reflect.set(state, name, "written");
    for (const list of [result.limits, result.rules, result.violated]) Reflect.set(list, "length", 0);
  },
  "is deep in recursion": function recur(event): number {
    // Not the last thing it does: of such calls Bun makes a loop.
    return Number(recur(event)) + 1;
  },
};

/** The same response without what differs each time. */
function lasting(response: string): string {
  return response.replace(/^date: .*$/im, "");
}

for (const on of servers) {
  const { runtime } = on;
  const ask = async (options: Options): Promise<string[]> => {
    const responses: string[] = [];
    await limited(on, { ...options, limit: ["3/1h", "9/1h concurrency"] }, async ({ send, limiter, handled }) => {
      // deno-lint-ignore no-await-in-loop -- in this order
      for (let i = 0; i < 5; i++) responses.push(lasting(await soon(send(...plain))));
      const { decisions, denials } = limiter.stats();
      assert.deepEqual([handled(), decisions, denials], [3, 5, 2]);
      assert.equal((await limiter.peek("127.0.0.1")).remaining, 0);
    });
    return responses;
  };

  test(`attack: whatever an observer does, every response is as without it, on ${runtime}`, async () => {
    const expected = await ask({});
    for (const [what, observer] of Object.entries(observers)) {
      const both = { onDecision: observer, onEvent: observer };
      // deno-lint-ignore no-await-in-loop -- one server at a time
      assert.deepEqual(await ask(both), expected, `an observer that ${what}`);
      const failing = new FaultyStore();
      failing.fault = "reject";
      // deno-lint-ignore no-await-in-loop -- one server at a time
      const meanwhile = await ask({ ...both, store: failing });
      assert.deepEqual(meanwhile, expected, `an observer that ${what}, the store being down`);
    }
  });

  test(`attack: an observer that asks the limiter again disturbs no decision, on ${runtime}`, async () => {
    let asked = 0;
    let again: RateLimiter | undefined;
    await limited(on, {
      limit: "3/1h",
      onDecision: ({ client }) => {
        if (client !== "127.0.0.1") return;
        asked++;
        again!.limit("somebody else");
        again!.refund("somebody else");
        again!.peek(client);
        again!.block("a third", "1h");
      },
    }, async ({ statuses, limiter }) => {
      again = limiter;
      assert.deepEqual((await statuses(...new Array(6).fill(plain))).sort(), [200, 200, 200, 429, 429, 429]);
      assert.deepEqual([asked, (await limiter.peek("somebody else")).remaining], [6, 3]);
    });
  });

  test(`attack: a flood fills no log, on ${runtime}`, async () => {
    let now = clock();
    const lines: string[] = [];
    const options: Options = {
      limit: "1/1h",
      clock: () => now,
      // Whatever a client can make long, it makes long.
      key: byKey((request) => new URL(request.url).pathname),
      onDecision: logDenials({ write: (line) => void lines.push(line) }),
    };
    await limited(on, options, async ({ statuses, limiter }) => {
      const flood = Array.from({ length: 50 }, (_, i) => [
        `${i % 2 === 0 ? "GET" : "A".repeat(9_000)} /${'%0A"'.repeat(1_000)} HTTP/1.1`,
        "Host: localhost",
      ]);
      // deno-lint-ignore no-await-in-loop -- fifty connections at a time
      for (let i = 0; i < 10; i++) await statuses(...flood);
      const { denials } = limiter.stats();
      assert.ok(denials >= 240, String(denials));
      // The clock stands; what was left out may have been told once by a timer, for which it does not.
      assert.ok(lines.length <= 11, `${lines.length} lines in a second`);
      now += 1_000;
      await statuses(plain);
      const told = lines.map((line) => JSON.parse(line));
      for (const line of lines) assert.ok(line.length < 2_000 && !line.includes("\n"), line);
      assert.equal(told.filter(({ event }) => event === "rate-limit-denied").length, 10);
      assert.equal(told.reduce((sum, { omitted = 0 }) => sum + omitted, 0), denials - 10);
    });
  });

  test(`attack: observers and logs that hang for ever gather nothing, on ${runtime}`, async () => {
    const hang = () => Object.assign(new Promise<void>(() => {}), { held: new Uint8Array(MEGABYTE).fill(1) });
    const log = logDenials({ write: hang, maxPerSecond: 1_000 });
    const options: Options = {
      limit: "1/1h",
      onDecision: (event) => {
        log(event);
        return hang();
      },
    };
    await limited(on, options, async ({ statuses }) => {
      const flood = async (times: number): Promise<number> => {
        // deno-lint-ignore no-await-in-loop -- fifty connections at a time
        for (let i = 0; i < times; i++) await statuses(...new Array(50).fill(plain));
        Bun?.gc(true);
        return process.memoryUsage().rss;
      };
      const before = await flood(1);
      const growth = (await flood(6) - before) / MEGABYTE;
      assert.ok(growth < 150, `grew by ${growth.toFixed(0)} MB of 600`);
    });
  });

  test(`attack: a flood makes no flood of events, on ${runtime}`, async () => {
    const events: LimiterEvent[] = [];
    const store = new FaultyStore();
    const options: Options = {
      limit: "500/1h",
      store,
      storeTimeout: "30s",
      settle: () => NaN,
      onDecision: () => Promise.reject(new Error("observer")),
      onEvent: (event) => void events.push(event),
    };
    await limited(on, options, async ({ statuses, limiter }) => {
      for (const fault of ["none", "reject", "none", "reject"] as const) {
        store.fault = fault;
        // deno-lint-ignore no-await-in-loop -- a fault after the other
        assert.deepEqual(await statuses(...new Array(50).fill(plain)), new Array(50).fill(200));
      }
      assert.equal(limiter.stats().observerErrors, 200);
      const counts = new Map<string, number>();
      for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
      for (const type of ["observer-failed", "settle-failed", "store-failed"]) assert.equal(counts.get(type), 1, type);
      for (const [type, count] of counts) assert.ok(count <= 4, `${count} of ${type}`);
    });
  });
}

test("attack: a log that cannot be written harms nothing, and is told of", async () => {
  const failures: readonly ((line: string) => void)[] = [
    () => {
      throw new Error("disk full");
    },
    () => Promise.reject(new Error("disk full")),
  ];
  for (const write of failures) {
    const events: LimiterEvent[] = [];
    // deno-lint-ignore no-await-in-loop -- one server at a time
    await limited(servers[0]!, {
      limit: "1/1h",
      onDecision: logDenials({ write }),
      onEvent: (event) => void events.push(event),
    }, async ({ statuses }) => {
      // In turn: what rejects is told with the next decision.
      // deno-lint-ignore no-await-in-loop -- see above
      for (const expected of [200, 429, 429, 429]) assert.deepEqual(await statuses(plain), [expected]);
    });
    assert.deepEqual(events.map((event) => [event.type, "error" in event && String(event.error)]), [
      ["observer-failed", "Error: disk full"],
    ]);
  }
});

test("attack: a clock that fails costs the request it fails at, and nothing more", async () => {
  let fails = false;
  const events: LimiterEvent[] = [];
  await limited(servers[0]!, {
    limit: "9/1h",
    clock: () => {
      if (fails) throw new Error("no time");
      return clock();
    },
    settle: () => {
      fails = true;
      return Promise.reject(new Error("unknown"));
    },
    onEvent: (event) => void events.push(event),
  }, async ({ statuses, handled }) => {
    // An event of that moment needs a time, which is then the machine's own.
    assert.deepEqual(await statuses(plain), [200]);
    assert.deepEqual(events.map(({ type }) => type), ["settle-failed"]);
    assert.deepEqual(await statuses(plain), [500]);
    fails = false;
    assert.deepEqual(await statuses(plain), [200]);
    assert.equal(handled(), 2);
  });
});
