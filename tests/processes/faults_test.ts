/** What processes on Deno, Bun and Node do while the server that they count on, or the network before it, fails. */
import assert from "node:assert/strict";
import type { Consistency } from "../../mod.ts";
import { type DenokvServer, withDenokv } from "../conformance/denokv_server.ts";
import { denokvTest } from "./denokv.ts";
import type { Ran, Run } from "./orders.ts";
import { type Proxy, withProxy } from "./proxy.ts";
import { runAll, type Runtime, sum, withWorkers, type Worker } from "./workers.ts";

const RUNTIMES: readonly Runtime[] = ["Deno", "Deno", "Bun", "Node"];
/** Milliseconds. */
const TIMEOUT = 200;
/** Between two requests of one of those in flight, in milliseconds. */
const PAUSE = 40;
/** Far more than anybody asks for. */
const PLENTY = 1_000_000;
/** Less than each process would admit alone. */
const FEW = 40;
const QUOTA_EXCEEDED = "429 https://iana.org/assignments/http-problem-types#quota-exceeded";
const REDUCED_CAPACITY = "503 https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
/** In the midst of an hour, so that a fixed window gives nothing back. */
const MIDST = 500_000 * 3_600_000 + 1_800_000;

/** Something that goes wrong, and is over when it resolves. */
interface Fault {
  readonly name: string;
  /** Whether it is before the server, in the network. */
  readonly isBefore: boolean;
  strike(server: DenokvServer, proxy: Proxy): Promise<void>;
}

const FAULTS: readonly Fault[] = [
  {
    name: "denokv is killed by kill -9, and started again 3 s later",
    isBefore: false,
    strike: async (server) => {
      await server.kill();
      await sleep(3_000);
      await server.start();
    },
  },
  {
    name: "denokv stands still for 5 s by SIGSTOP",
    isBefore: false,
    strike: async (server) => {
      server.stop();
      await sleep(5_000);
      server.goOn();
    },
  },
  {
    // Commits are made in time, and told of too late.
    name: "the network is so slow that answers are late",
    isBefore: true,
    strike: async (_, proxy) => {
      proxy.change({ kind: "slow", milliseconds: 0.6 * TIMEOUT });
      await sleep(2_000);
      proxy.change({ kind: "fair" });
    },
  },
  {
    name: "the network resets connections",
    isBefore: true,
    strike: async (_, proxy) => {
      proxy.change({ kind: "resets" });
      await sleep(2_000);
      proxy.change({ kind: "fair" });
    },
  },
  {
    name: "the network is a black hole",
    isBefore: true,
    strike: async (_, proxy) => {
      proxy.change({ kind: "black-hole" });
      await sleep(2_000);
      proxy.change({ kind: "fair" });
    },
  },
];

/** What four processes are asked for at the same time, each of a limiter of its own. */
const PARTS = ["plenty", "few", "open", "closed"] as const;
type Part = typeof PARTS[number];

/** What came of one part, by process. */
interface Outcome {
  readonly rans: readonly Ran[];
  /** In all. */
  readonly admitted: number;
  /** What is missing in the store afterwards. */
  readonly charged: number;
}

for (const consistency of ["strict", "leased"] as const) {
  denokvTest(`four processes while what they count on fails, ${consistency}`, async (program, context) => {
    const outcomes = new Map<Fault, Readonly<Record<Part, Outcome>>>();
    // No place to count in of its own: each fault has another.
    await withWorkers({ path: ":memory:" }, RUNTIMES, async (workers) => {
      // All at the same time: an outage is mostly waiting.
      await Promise.all(FAULTS.map((fault) =>
        withDenokv(program, (server) =>
          withProxy(server.port, async (proxy) => {
            const place = { path: fault.isBefore ? proxy.url : server.url, token: server.token };
            outcomes.set(fault, await suffer(workers, { place, consistency }, () => fault.strike(server, proxy)));
          }))
      ));
      // An unhandled rejection would end one with another code.
      await Promise.all(workers.map((worker) => worker.end()));
    });
    for (const [{ name }, { plenty, few, open, closed }] of outcomes) {
      const tests: readonly (readonly [string, () => void])[] = [
        [`"memory" answers in time`, () => assertInTime([plenty, few])],
        [`"memory" charges afterwards what it has admitted`, () => assertCharged(plenty, consistency)],
        [`"memory" admits no more than its bound`, () => assertBounded(few)],
        [`"open" serves all`, () => assertSeen(open, ["200"])],
        [`"closed" serves nobody, and says why`, () => assertSeen(closed, [REDUCED_CAPACITY])],
      ];
      for (const [what, run] of tests) {
        // deno-lint-ignore no-await-in-loop -- a test ends before the next
        await context.test(`${name}: ${what}`, run);
      }
    }
  });
}

/** What happens to processes that count in one place while something goes wrong there. */
async function suffer(
  workers: readonly Worker[],
  where: Pick<Run, "place" | "consistency">,
  strike: () => Promise<void>,
): Promise<Readonly<Record<Part, Outcome>>> {
  const common = { ...where, ahead: MIDST - Date.now() };
  const limits = { plenty: PLENTY, few: FEW, open: PLENTY, closed: PLENTY };
  const loads = PARTS.map((part) => ({
    ...common,
    limit: `${limits[part]}/1h fixed-window`,
    apiKey: part,
    inFlight: part === "plenty" ? 8 : 4,
    pause: PAUSE,
    storeTimeout: TIMEOUT,
    onStoreFailure: part === "open" || part === "closed" ? part : "memory",
  } as const));
  // All have reached the store when it fails.
  const before = await Promise.all(loads.map((load) => runAll(workers, { ...load, requests: load.inFlight })));
  const started = loads.map((load) => workers.map((worker) => worker.start(load)));
  await strike();
  const during = await Promise.all(started.map((all) => Promise.all(all.map((load) => load.stop()))));
  // By a limiter of its own, which has nothing to go by but the store.
  const looks = await Promise.all(loads.map(({ limit, apiKey }) => workers[0]!.look({ ...common, limit, apiKey })));
  const outcomes = PARTS.map((part, i) => [part, {
    rans: during[i]!,
    admitted: sum([...before[i]!, ...during[i]!].map(({ admitted }) => admitted)),
    charged: limits[part] - looks[i]!.remaining[0]!,
  }]);
  return Object.fromEntries(outcomes) as Record<Part, Outcome>;
}

/**
 * Fails unless all processes have done without the store for a while, and clients saw everything that is named and nothing else; unless `200` is
 * named, it is what the store has let in, or what was charged there ahead.
 */
function assertSeen({ rans }: Outcome, names: readonly string[]): void {
  for (const { seen, sources, events } of rans) {
    assert.ok(sources.fallback > 0);
    assert.equal(events.findLast((event) => event.startsWith("fallback")), "fallback-ended");
    if (!names.includes("200")) assert.equal(seen["200"] ?? 0, sources.store + sources.lease);
  }
  const all = new Set(["200", ...rans.flatMap(({ seen }) => Object.keys(seen))]);
  assert.deepEqual([...all].toSorted(), [...new Set(["200", ...names])].toSorted());
}

function assertInTime(outcomes: readonly Outcome[]): void {
  for (const { late, slowest, lag, made } of outcomes.flatMap(({ rans }) => rans)) {
    assert.equal(late, 0, `${late} of ${made} were late, the slowest took ${slowest} ms; timers were ${lag} ms late`);
  }
}

function assertCharged(plenty: Outcome, consistency: Consistency): void {
  assertSeen(plenty, ["200"]);
  const { charged, admitted } = plenty;
  // A commit that was not answered may be made again; what was charged ahead by it, or is held still, nobody was let in from.
  const most = (consistency === "leased" ? 4 : 2) * admitted;
  assert.ok(charged >= admitted && charged <= most, `${charged} charged, ${admitted} admitted`);
}

function assertBounded(few: Outcome): void {
  assertSeen(few, ["200", QUOTA_EXCEEDED]);
  const bound = FEW * (1 + RUNTIMES.length);
  assert.ok(few.admitted >= FEW && few.admitted <= bound, `${few.admitted} admitted, the bound is ${bound}`);
  assert.equal(few.charged, FEW);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
