/** README.md and results.json of this folder. */
import type { Samples } from "./figures.ts";
import { decisionTable, httpTable, memoryTable, table, targetTable } from "./tables.ts";

/** How often everything was measured. */
export interface Rounds {
  readonly decide: number;
  readonly memory: number;
  readonly http: number;
}

export async function writeReport(samples: Samples, rounds: Rounds, machine: Record<string, string>): Promise<void> {
  const raw = { machine, rounds, samples: Object.fromEntries(samples) };
  await Deno.writeTextFile(new URL("results.json", import.meta.url), `${JSON.stringify(raw, null, 2)}\n`);
  await Deno.writeTextFile(new URL("README.md", import.meta.url), readme(samples, rounds, machine));
}

function readme(samples: Samples, rounds: Rounds, machine: Record<string, string>): string {
  return `# Benchmarks

Written by \`deno task bench --report\`; do not edit. The raw numbers of every round are in [results.json](results.json).

${targetTable(samples)}

"Rounds" is the range of the single rounds' values. Where they disagree on whether a target is reached, or lie far apart, this run
does not decide it: something else was running.${restless(samples)}

## One decision in memory

Nanoseconds that one decision takes, awaited where the limiter gives a promise. Each figure is the median of ${rounds.decide} processes, each
of which tells the median of 80 batches of 10,000 decisions after all keys have been seen once. Keys are strings just
made from bytes, as those of a request are: a limiter with a \`Map\` pays for hashing them, and so does kvota. Making them is not
timed. All limits are per hour, so nothing expires, and nothing is denied. "Against the fastest peer" is the median of
the rounds' ratios.

${decisionTable(samples)}

What is measured is what each limiter's own middleware calls: \`limiter.limit(key)\`, \`MemoryStore.increment(key)\`,
\`RateLimiterMemory.consume(key)\`. The peers' stores only count, and their middleware compares with the limit afterwards; kvota's
and rate-limiter-flexible's figures include the whole decision. kvota's store is \`memoryStore()\` as it comes, with \`maxKeys: 1_000_000\` where there are a million keys.

## Memory

What the process's resident memory has grown by for each of 1,000,000 keys, garbage collected before and after (the median of
${rounds.memory} processes). kvota sets its table aside for \`maxKeys\` and never takes more; "reserved" is that size, of which
the part that blocks are written to stays untouched until one is made. A key may find no place in a table that is full: the share that did is given.

${memoryTable(samples)}

## Over HTTP

Requests a second of a server on one core, which answers \`hello\` to 64 connections of \`wrk\` on another core over loopback; the median
of ${rounds.http} runs of 3 seconds, each in a new process after a second of warming up. "Share of bare" is the median of the rounds' ratios.
\`bare\` is \`Deno.serve\` or \`Bun.serve\` with nothing but the handler; \`kvota\` is \`withRateLimit\` around the same handler, by client
address, with its default headers; \`hono + hono-rate-limiter\` is that middleware by the address that \`getConnInfo\` gives, and
\`hono\` the same app without it. \`kvota 429\` denies every request; it stands beside \`bare 429\`, which sends the same
bytes from constants.

${httpTable(samples)}

A handler that does nothing is the worst case for a share: in a server that works for its answers the limiter's part is smaller.
All requests come from one address, so this is one hot key; the tables above tell what many keys cost.

## Where and how

${table(["what", "value"], Object.entries(machine))}

\`\`\`sh
deno task bench           # prints these tables
deno task bench --quick   # one round of each: whether it runs, not what is true
deno task bench --report  # and writes them here
\`\`\`

It needs \`npx\` (for Bun) and \`wrk\`; nothing leaves 127.0.0.1 but npx's download. Absolute figures move by a third between
machines, and by as much on one that does other things besides: compare ratios, and measure again.
`;
}

/** How far apart the same server's rounds were, where that was far: every figure over HTTP is doubtful then. */
function restless(samples: Samples): string {
  const bare = [...samples].filter(([name]) => name.endsWith("/http/bare")).map(([, rates]) => rates);
  const spread = Math.max(...bare.map((rates) => Math.max(...rates) / Math.min(...rates)));
  if (!(spread > 1.3)) return "";
  return ` **In this run the bare server alone varied ${
    spread.toFixed(1)
  }-fold between rounds; do not rely on its figures over HTTP.**`;
}
