// deno-lint-ignore-file no-await-in-loop -- a few small files
/** What was measured, told. */
import { deniedTables } from "./denied.ts";
import type { Samples } from "./figures.ts";
import { LIMIT as FLOOD_LIMIT, MOST, SMALL_HEAP } from "./flood_contenders.ts";
import { SECONDS } from "./flood_http.ts";
import { NEWCOMERS } from "./flood_job.ts";
import { floodedServerTable, floodTable, headerTable } from "./flood_tables.ts";
import { ADMIT } from "./kv_job.ts";
import { kvTables, serverTables } from "./kv_tables.ts";
import { CROWD, IN_FLIGHT, LIMIT, PACE } from "./leased_job.ts";
import { leasedTables } from "./leased_tables.ts";
import { loadTable, sizeTable } from "./load.ts";
import { PICTURES } from "./pictures.ts";
import { readResults, type Results, type Rounds, writeResults } from "./results.ts";
import { decisionTable, httpTable, memoryTable, shapeTable, table, whole } from "./tables.ts";
import { redisTables } from "./redis_tables.ts";
import { targetTable } from "./targets.ts";

/** README.md, results.json and the charts of this folder. */
export async function writeReport(results: Results): Promise<void> {
  await writeResults(results);
  await Deno.writeTextFile(new URL("README.md", import.meta.url), readme(results));
  for (const [part, { file, draw }] of Object.entries(PICTURES)) {
    if (part in results.parts) await Deno.writeTextFile(new URL(file, import.meta.url), draw(results.samples));
  }
}

function readme({ parts, samples }: Results): string {
  const rounds = (part: string, what: keyof Rounds) => parts[part]?.rounds[what] ?? "–";
  const figures = (part: string, tables: (samples: Samples) => string) =>
    part in parts ? tables(samples) : "Not measured yet.";
  const picture = (part: string) => `![${PICTURES[part]!.shows}](${PICTURES[part]!.file})`;
  return `# Benchmarks

Written by \`deno task bench --report\`; do not edit. The raw numbers of every round are in [results.json](results.json).

${targetTable(samples)}

"Rounds" is the range of the single rounds' values. Where they disagree on whether a target is reached, or lie far apart, this run
does not decide it: something else was running.${restless(samples)}

## One decision in memory

Nanoseconds that one decision takes, awaited where the limiter gives a promise. Each figure is the median of ${
    rounds("decide", "decide")
  } processes, each
of which tells the median of 80 batches of 10,000 decisions after all keys have been seen once. Keys are strings just
made from bytes, as those of a request are: a limiter with a \`Map\` pays for hashing them, and so does kvota. Making them is not
timed. All limits are per hour, so nothing expires, and nothing is denied. "Against the fastest peer" is the median of
the rounds' ratios.

${picture("decide")}

${figures("decide", decisionTable)}

What is measured is what each limiter's own middleware calls: \`limiter.limit(key)\`, \`MemoryStore.increment(key)\`,
\`RateLimiterMemory.consume(key)\`. The peers' stores only count, and their middleware compares with the limit afterwards; kvota's
and rate-limiter-flexible's figures include the whole decision. kvota's store is \`memoryStore()\` as it comes, with \`maxKeys: 1_000_000\` where there are a million keys.
"floor" is what no limiter that keeps kvota's promises can be faster than: it reads the clock, hashes the key under a secret, reads and writes one slot of a table of
that size and makes a result, and neither looks whose slot it is nor decides anything.

What each algorithm costs, and what a second and a third limit in a rule add. Decisions on several limits, and those with a delay
or a slot, give a result that holds each limit's part.

${figures("decide", shapeTable)}

## Memory

What the process's resident memory has grown by for each of 1,000,000 keys, garbage collected before and after (the median of
${
    rounds("memory", "memory")
  } processes). kvota sets its table aside for \`maxKeys\` and never takes more; "reserved" is that size, of which
the part that blocks are written to stays untouched until one is made. A key may find no place in a table that is full: the share that did is given.

${picture("memory")}

${figures("memory", memoryTable)}

## Loading

What a program pays before its first answer, on each runtime in new processes; the median. Deno and Node take the types away on the way, Deno from its cache.

${figures("load", loadTable)}

In a bundle, 16 KB were wanted. What several processes need to count as one (folding, turns, leases, fallback, Deno KV) is in the root because it counts in Deno KV by
default; a bundler cannot tell that a program never will. No part of the rest stands out: it is six algorithms, the table, selectors, headers and messages that say what is wrong.

${figures("load", sizeTable)}

## A flood

${
    whole(NEWCOMERS)
  } clients that the limiter has never seen ask once each, half of them from IPv4 addresses, half from IPv6 /64s, under ${FLOOD_LIMIT} an hour; so nothing expires. Before
them 2,000 clients are denied, who ask again ten times while it lasts; 1,000 others return as often, within their limit. "No limiter" is the loop that floods,
with nobody to ask: its slowest newcomer is what the runtime's own pauses come to. kvota's store is \`memoryStore()\` as it comes, for 200,000 keys. On Deno the
heap is ${SMALL_HEAP} MB for those who are bounded, and what V8 gives anybody for those who are not; Bun's has no limit. Who has more than ${
    whole(MOST)
  } MB resident is ended, and said to be out of memory.
"MB at most" is resident memory; "before" is once the process has made a million keys in vain. "ns a newcomer" has in it what making the key and looking at the
clock take, which is all that "no limiter" does. express-rate-limit's store is built like hono-rate-limiter's. The median of ${
    rounds("flood", "flood")
  } processes.

${picture("flood")}

${figures("flood", floodTable)}

Over HTTP each request is a newcomer's, who says who it is in \`X-Forwarded-For\`, which the server believes; ${SECONDS} seconds of \`wrk\` as below, in which \`hello\` is what everyone is answered. 100 clients
who were denied before ask one after the other meanwhile, and all of them again at the end.

${figures("flood", floodedServerTable)}

A request that \`withRateLimit\` answers in the same process, with a forwarded header that is nothing but commas; the median of 300.

${figures("flood", headerTable)}

## Over a Deno KV file

Decisions a second of one process with so many clients, each of which asks again once it was answered; the median of ${
    rounds("kv", "kv")
  } runs of
${
    rounds("kv", "kvSeconds")
  } seconds, each on a new file in the system's temporary folder (\`TMPDIR\` says where: over one in memory, everything is faster), after every key has been charged once and the process has warmed up. "naive" is what one
would write without kvota: for each request read the row, decide, compare and set, and at once again when somebody was faster
([kv_naive.ts](kv_naive.ts)). All of kvota's decisions are \`strict\`: committed before they are answered. Nothing is denied. "× naive" is the
median of the rounds' ratios.

${figures("kv", kvTables)}

64 clients ask for the one hot key, 16 in each of two processes. These start to be measured at an agreed instant and load the file from before it to after the span's
end; "together / alone" is both processes' decisions a second as a share of the mean of each alone on a file, in the same round.
Of two processes' p99 and slowest decision the worse is given.
"not charged" is how many units more were let in than the file says were charged, "charged twice" how many fewer (a commit that was not answered in
time is made again, and may have happened the first time), "admitted wrongly" by how many requests more or
fewer than ${ADMIT.burst} of ${ADMIT.asked} pass a limit of ${ADMIT.burst}, "elsewhere" how many requests kvota let in by itself because the file was late: these are no part of the rates, and who met one
asked again until the file answered. All four are the worst round's.

## Over a \`denokv\` server

The same over KV Connect: a \`denokv\` server on loopback, a new one for each run, whose database is a file in the system's temporary folder. It shares the
machine's cores with whoever asks it. The median of ${rounds("server", "kv")} runs of ${
    rounds("server", "kvSeconds")
  } seconds.

${figures("server", serverTables)}

Four processes, 16 clients in each of them, ask for one hot key; "together / alone" is the decisions a second of all four as a share of the mean of the same four, each alone
on a server.

## Units charged ahead

\`consistency: "leased"\` over a Deno KV file; the median of ${rounds("leased", "kv")} runs. Nothing is denied.

Over HTTP as below, but each request is one of 1,000 clients', drawn uniformly, who says in a header who it is, and servers are asked for 5 s before, as what leases need now and then is
compiled late; the same server with \`memoryStore()\`, and with leases, the limit per minute. "And commits" decides in memory as well, while beside it each client's row is
written once a second, in commits as large as the store takes ([commits.ts](commits.ts)): as a lease lasts a second at most, nothing that leases can be faster than that. "Leased / memory" and
"/ and commits" are medians of the rounds' ratios. The file is written on the server's core.

One hot key asked for ${
    whole(PACE)
  } times a second, however fast that is answered, under ${LIMIT}. Commits and reads are a second of a process; of two processes that share
a file, those of the one that has more.

${
    whole(CROWD)
  } clients drawn uniformly, ${IN_FLIGHT} in flight, each of which asks again in the event loop's next turn: with a rule that counts each client, and with a
second one that counts all together. "Share" is the median of the rounds' ratios.

${figures("leased", leasedTables)}

"Elsewhere" is how many requests were let in neither from units charged ahead nor by the file, in the worst round.

## Over Redis

The same over a server on the same machine that keeps nothing on disk, 64 in flight, for the peers as for kvota: \`a script a request\` is what one would write without kvota, a token
bucket in Lua run by \`EVALSHA\` for each request ([redis_naive.ts](redis_naive.ts)); \`rate-limiter-flexible\` is its \`RateLimiterRedis\`, a counter of a fixed window. All
use ioredis on Deno; on Bun its own client, but for rate-limiter-flexible, which does not know it.

${figures("redis", redisTables)}

On one hot key a commit carries all requests that wait, where the peers pay for each. On as many keys as requests nothing can be folded: what kvota saves by
having up to 32 rows in a call it spends on reading, deciding and writing them here, so that the server does less, and this process more. Leased, each of those in flight asks
once in a turn of the event loop, unless it waits; keys are as many as are each asked for some twenty times a second at the peers' speed, and so more often at kvota's. Where each is asked
for less than ten times a second, as are 10,000 keys here, a lease lets in few before it ends, and gains little over \`"strict"\`.

## Over HTTP

Requests a second of a server on one core, which answers \`hello\` to 64 connections of \`wrk\` on another core over loopback; the median
of ${
    rounds("http", "http")
  } runs of 3 seconds, each in a new process after a second of warming up. "Share of bare" is the median of the rounds' ratios.
\`bare\` is \`Deno.serve\` or \`Bun.serve\` with nothing but the handler; \`bare with address and headers\` looks at the client's address besides and sets the two headers, and no limiter that does so can be
faster; \`kvota\` is \`withRateLimit\` around the same handler, by client
address, with its default headers; \`hono + hono-rate-limiter\` is that middleware by the address that \`getConnInfo\` gives, and
\`hono\` the same app without it. \`kvota 429\` denies every request; it stands beside \`bare 429\`, which sends the same
bytes from constants.

${picture("http")}

${figures("http", httpTable)}

A handler that does nothing is the worst case for a share: in a server that works for its answers the limiter's part is smaller.
All requests come from one address, so this is one hot key; the tables above tell what many keys cost.

## A flood that is denied

One client floods on 64 connections and is denied nearly all, once as fast as it is answered, once waiting for 2 ms before it asks again on each. Another, which behaves, asks
meanwhile on a connection of its own and is served \`hello\`: "p50" and "p99" are how long that takes, which wrk on the flood's core sees. \`kvota\` is \`withRateLimit\`, which counts by
a header; \`bare\` reads the header too, and answers both with the same bytes from constants. "Against bare" is the median of the rounds' ratios. Below, the server's processor time,
system and all, for each request of 64 connections of one client, who is served or denied. The median of ${
    rounds("denied", "memory")
  } processes.

${figures("denied", deniedTables)}

## Growth

What a decision costs the store and how long it takes, by instances, distance, rate and consistency, up to 1,000 simulated instances: [growth.md](growth.md). What follows from it: [docs/choosing-size.md](../docs/choosing-size.md).

## Where and how

${settingTable(parts)}

\`\`\`sh
deno task bench            # prints these tables
deno task bench --quick    # one round of each: whether it runs, not what is true
deno task bench --report   # and writes them here
deno task bench --only=kv  # one part, which --report puts in the place of what it measured before: decide, memory, load, flood, kv, server, leased, redis, http, denied or growth
deno run --allow-all bench/report.ts                 # tells what was measured before as it is told now
\`\`\`

It needs \`npx\` (for Bun and Node), \`wrk\`, \`redis-server\`, and for the part \`server\` \`denokv\`, which is looked for in \`PATH\` and \`KVOTA_DENOKV\`; nothing leaves 127.0.0.1 but npx's download. Absolute figures move by a third between
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

/** What was measured in one go stands in one column. */
function settingTable(parts: Results["parts"]): string {
  const goes = Map.groupBy(Object.entries(parts), ([, { machine }]) => JSON.stringify(machine));
  const columns = [...goes.values()].map((go) => ({
    parts: go.map(([part]) => part).join(", "),
    machine: go[0]![1].machine,
  }));
  const whats = new Set(columns.flatMap(({ machine }) => Object.keys(machine)));
  return table(
    ["measured", ...columns.map(({ parts }) => parts)],
    [...whats].map((what) => [what, ...columns.map(({ machine }) => machine[what] ?? "–")]),
  );
}

// What was measured before, told as it is told now.
if (import.meta.main) await writeReport(await readResults());
