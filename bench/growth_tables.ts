/** The study of growth as Markdown. */
import { type Case, CONSISTENCIES, type Grown, grownOf, type Held, QUESTIONS, type Study } from "./growth_fleets.ts";
import { STORES } from "./growth_store.ts";
import { table, whole } from "./tables.ts";

const STORE_NAMES = { kv: "Deno KV, rows apart", file: "KV file", denokv: "denokv", redis: "Redis" } as const;

/** What is told of a case, by the columns' heads. */
const ABOUT: Readonly<Record<string, (part: Case) => string>> = {
  "call, ms": ({ latency }) => whole(latency),
  instances: ({ instances }) => whole(instances),
  keys: ({ keys }) => whole(keys),
  "requests/s each": ({ rate }) => whole(rate),
  store: ({ store }) => STORE_NAMES[store],
};

/** What came of it. */
const FIGURES: Readonly<Record<string, (grown: Grown) => string>> = {
  "calls a decision": (grown) => calls((grown.reads + grown.commits) / grown.decisions),
  "calls/s": ({ reads, commits, seconds }) => whole((reads + commits) / seconds),
  "refused": ({ refused, commits }) => percent(refused / Math.max(1, commits)),
  "p50 ms": ({ p50 }) => milliseconds(p50),
  "p99 ms": ({ p99 }) => milliseconds(p99),
  "too late": ({ alone, decisions }) => percent(alone / decisions),
};

/** One for each question, and one of what is held to real processes. */
export function growthTables({ fleets, held }: Study): readonly string[] {
  return [
    casesTable(fleets, QUESTIONS.hot, ["call, ms", "instances"]),
    casesTable(fleets, QUESTIONS.spread, ["call, ms", "instances"]),
    casesTable(fleets, QUESTIONS.rate, ["keys", "requests/s each"]),
    casesTable(fleets, QUESTIONS.store, ["keys", "store"]),
    casesTable(fleets, QUESTIONS.scarce, ["instances"], { "let in / allowed": letIn }),
    heldTable(held),
  ];
}

/** A row for each case and level. */
function casesTable(
  fleets: readonly Grown[],
  cases: readonly Case[],
  about: readonly string[],
  more: Readonly<Record<string, (grown: Grown) => string>> = {},
): string {
  const figures = { ...FIGURES, ...more };
  const rows = cases.flatMap((part) =>
    CONSISTENCIES.flatMap((consistency) => {
      const grown = grownOf(fleets, part, consistency);
      if (grown === undefined) return [];
      return [[
        ...about.map((name) => ABOUT[name]!(part)),
        consistency,
        ...Object.values(figures).map((show) => show(grown)),
      ]];
    })
  );
  return table([...about, "consistency", ...Object.keys(figures)], rows);
}

function heldTable(held: readonly Held[]): string {
  const rows = held.map(({ instances, keys, consistency, real, simulated }) => [
    whole(instances),
    whole(keys),
    consistency,
    calls(real),
    calls(simulated),
    (simulated / real).toFixed(2),
  ]);
  return table(["processes", "keys", "consistency", "real", "simulated", "simulated / real"], rows);
}

/** Of what the limit lets in meanwhile, what was let in. */
function letIn({ admitted, instances, rate, demand, seconds }: Grown): string {
  return (admitted / (instances * rate / demand * seconds)).toFixed(2);
}

function calls(value: number): string {
  return value < 0.1 ? value.toFixed(3) : value.toFixed(2);
}

function percent(share: number): string {
  return share > 0 && share < 0.005 ? "< 1 %" : `${whole(100 * share)} %`;
}

function milliseconds(value: number): string {
  return value === 0 ? "0" : value < 10 ? value.toFixed(1) : whole(value);
}

export function growthReport(study: Study): string {
  const [hot, spread, rate, store, scarce, held] = growthTables(study);
  const { denokv, redis } = STORES;
  return `# Growth

Written by \`deno task bench --only=growth --report\`; do not edit. The raw numbers are in [growth.json](growth.json); what follows from them for
whoever has to choose is in [docs/choosing-size.md](../docs/choosing-size.md).

![Calls a decision and the slowest of a hundred decisions, by instances, distance and consistency](growth.svg)

The fleets are simulated, up to 1,000 instances: the limiter itself runs in each of them, in one process, over a simulated store, in virtual time
and from a seed. The figures are the same on every machine, for every run of the same code. They leave out what computing and threads take, and
networks that lose or delay; a call takes as long as the first column says, there and back, give or take a fifth.

Requests come to each instance as they will, at the same mean rate, whether or not those before have been answered, and ask for one unit of a token bucket per
minute of twice what all ask for, so that nothing is denied. "calls" are reads and commits of the store, "refused" the share of commits that came too
late for the version they had read, "too late" the share of decisions that the store did not answer within \`storeTimeout\` (500 ms), and that \`onStoreFailure\` made.
A leased or eventual answer that asks nobody takes 0 ms.

## One key that all instances count on

A global limit, or one client that comes in everywhere, 10 requests a second at each instance.

${hot}

One row takes one commit a round trip, whoever makes it: what was read before it was written is refused. Where more want to write than that,
most are refused, and at last nearly all are too late.

## 10,000 keys

Drawn uniformly, 10 requests a second at each instance, each of which is asked for any key.

${spread}

Rows are apart, so it hardly matters how many write: each decision is a read and a commit. Nothing is charged ahead for a key that an instance is asked for
now and then, so that leases cost no more and gain nothing.

## Rate

10 instances, 10 ms from their store.

${rate}

## Kinds of store

100 instances with 50 requests a second each, 1 ms from their store. Deno KV's rows are taken for independent of each other, as a large database's are; \`denokv\` keeps
one SQLite file and does one thing at a time, ${denokv.commit} ms for a commit and ${denokv.read} ms for a read; a Redis takes ${redis.commit} ms for either,
and tells with a refusal what stands. A Redis Cluster is as many of these as it has masters, each for its keys.

${store}

## A limit that is used up

10 ms from the store, 100 requests a second at each instance, and a limit of half of that with a burst of a second's worth.

${scarce}

"let in / allowed" is what was let in within ${
    study.fleets[0]?.seconds
  } seconds as a share of what the limit refills in them.

## Whether it is true

Real processes on a KV file were asked 50 times a second each; the simulated ones the same at the same times. Calls a decision:

${held}

From 100 requests a second on, two processes on one file take turns now and then, and calls a decision lie between two values that are a factor of two apart, in
reality and simulated, according to whether they do at the time.
`;
}
