/** What was wanted, beside what was measured. */
import {
  type Company,
  FOUR,
  median,
  type Pair,
  PAIRS,
  ratiosOf,
  type Runtime,
  RUNTIMES,
  type Samples,
  TARGETS,
} from "./figures.ts";
import { deniedCpu, waits } from "./denied.ts";
import { SPREAD_IN_FLIGHT } from "./kv.ts";
import { timesNaive } from "./kv_tables.ts";
import { HOT_ON } from "./leased.ts";
import { globalShares, leasedShares } from "./leased_tables.ts";
import { REDIS_SCENARIOS } from "./redis_job.ts";
import { timesFastestPeer } from "./redis_tables.ts";
import { NAMES, speedups, table } from "./tables.ts";

type Bound = "≥" | "≤";
type Row = readonly string[];

/** With the rounds' range: a verdict on a median says little where the target lies within it. What was not measured has no row. */
export function targetTable(samples: Samples): string {
  const rows = [
    ...RUNTIMES.flatMap((runtime) => runtimeRows(samples, runtime)),
    ...RUNTIMES.flatMap((runtime) => floodRows(samples, runtime)),
    ...RUNTIMES.flatMap((runtime) => deniedRows(samples, runtime)),
    ...RUNTIMES.flatMap((runtime) => kvRows(samples, runtime)),
    ...RUNTIMES.flatMap((runtime) => redisRows(samples, runtime)),
    ...PAIRS.flatMap((pair) => pairRows(samples, pair)),
    ...RUNTIMES.flatMap((runtime) => serverRows(samples, runtime)),
    ...fourRows(samples),
    ...RUNTIMES.flatMap((runtime) => leasedRows(samples, runtime)),
    ...HOT_ON.flatMap((on) => commitRows(samples, on)),
  ];
  return table(["target", "on", "median", "rounds", "wanted", "reached"], rows);
}

function runtimeRows(samples: Samples, runtime: Runtime): Row[] {
  const http = (variant: string) => `${runtime}/http/${variant}`;
  const bytes = (what: string, name: string) =>
    row(what, runtime, samples.get(`${runtime}/memory/${name}`), "≤", TARGETS.bytesPerKey[runtime]);
  const over = (what: string, peer: string, target: number) =>
    row(what, runtime, ratiosOf(samples, http("kvota"), http(peer)), "≥", target);
  return [
    ...row(
      "times as fast as the fastest peer, 100,000 keys",
      runtime,
      speedups(samples, runtime, "100k"),
      "≥",
      TARGETS.speedup[runtime],
    ),
    ...row(
      "a decision among 1,000,000 keys / among 1,000",
      runtime,
      ratiosOf(samples, `${runtime}/decide/1m/kvota`, `${runtime}/decide/1k/kvota`),
      "≤",
      TARGETS.manyKeys[runtime],
    ),
    ...bytes("bytes a key, resident", "kvota"),
    ...bytes("bytes a key, reserved", "kvota reserved"),
    ...over("share of the bare server", "bare", TARGETS.share[runtime]),
    ...over("times hono + hono-rate-limiter", "hono + hono-rate-limiter", TARGETS.overHono[runtime]),
  ];
}

function floodRows(samples: Samples, runtime: Runtime): Row[] {
  const memory = (figure: string) => samples.get(`${runtime}/flood/kvota/${figure}`);
  const http = (figure: string) => samples.get(`${runtime}/flood/http kvota/${figure}`);
  const setFree = TARGETS.floodSetFree[runtime];
  const without = samples.get(`${runtime}/flood/header/without`) ?? [];
  const header = samples.get(`${runtime}/flood/header/long`)?.map((time, round) => time - without[round]!);
  return [
    ...row(
      "10,000,000 newcomers: MB beyond the table",
      runtime,
      memory("beyond its table"),
      "≤",
      TARGETS.floodBeyondTable[runtime],
    ),
    ...row("the same: share of the denied set free", runtime, memory("setFree"), "≤", setFree),
    ...row("the same: denied within the limit", runtime, memory("turnedAway"), "≤", 0),
    ...row("newcomers over HTTP: share of the denied set free", runtime, http("setFree"), "≤", setFree),
    ...row("the same: denied within the limit", runtime, http("turnedAway"), "≤", 0),
    ...row("a forwarded header of 100 KB: ms more", runtime, header, "≤", TARGETS.longHeader[runtime]),
  ];
}

function deniedRows(samples: Samples, runtime: Runtime): Row[] {
  const wait = (what: string, flood: string, of: "p50" | "p99") =>
    row(what, runtime, waits(samples, runtime, flood, of), "≤", TARGETS.floodWait[runtime]);
  return [
    ...wait("a denied flood at full speed: p50 of who behaves / bare's", "at full speed", "p50"),
    ...wait("the same: p99", "at full speed", "p99"),
    ...wait("a paced one: p50 / bare's", "paced", "p50"),
    ...wait("the same: p99", "paced", "p99"),
    ...row(
      "processor time of a denied request / a served one's",
      runtime,
      deniedCpu(samples, runtime),
      "≤",
      TARGETS.deniedCpu[runtime],
    ),
  ];
}

function kvRows(samples: Samples, runtime: Runtime): Row[] {
  const hot = `${runtime}/kv/hot`;
  const spread = (inFlight: number) => `${runtime}/kv/spread ${inFlight}`;
  return [
    ...row("KV, 1 hot key: times the naive loop", runtime, timesNaive(samples, hot), "≥", TARGETS.kvHot[runtime]),
    ...row("the same: p99, ms", runtime, samples.get(`${hot}/kvota/p99`), "≤", TARGETS.kvHotP99[runtime]),
    ...row("the same: let in, not charged", runtime, samples.get(`${hot}/kvota/not charged`), "≤", 0),
    ...row("the same: admitted wrongly", runtime, samples.get(`${hot}/kvota/admitted wrongly`), "≤", 0),
    ...row(
      "KV, 10,000 keys: times the naive loop",
      runtime,
      timesNaive(samples, spread(64)),
      "≥",
      TARGETS.kvSpread[runtime],
    ),
    ...SPREAD_IN_FLIGHT.flatMap((inFlight) =>
      row(
        `the same: p50 as a share of its, ${inFlight} in flight`,
        runtime,
        ratiosOf(samples, `${spread(inFlight)}/kvota/p50`, `${spread(inFlight)}/naive/p50`),
        "≤",
        TARGETS.kvSpreadP50[runtime],
      )
    ),
  ];
}

function redisRows(samples: Samples, runtime: Runtime): Row[] {
  const figure = (name: string) => samples.get(`${runtime}/redis/hot/kvota over Redis/${name}`);
  const [hot, spread, leased] = REDIS_SCENARIOS.map((scenario) => timesFastestPeer(samples, runtime, scenario));
  return [
    ...row("Redis, 1 hot key: times the fastest peer", runtime, hot, "≥", TARGETS.redisHot[runtime]),
    ...row("the same: let in, not charged", runtime, figure("not charged"), "≤", 0),
    ...row("the same: admitted wrongly", runtime, figure("admitted wrongly"), "≤", 0),
    ...row("Redis, 10,000 keys: times the fastest peer", runtime, spread, "≥", TARGETS.redisSpread[runtime]),
    ...row("Redis, 4,000 keys, leased: times the fastest peer", runtime, leased, "≥", TARGETS.redisLeased[runtime]),
  ];
}

function pairRows(samples: Samples, pair: Pair): Row[] {
  const hot = (figure: string) => samples.get(`${pair}/kv/pair hot/${figure}`);
  const hundred = (figure: string) => samples.get(`${pair}/kv/pair 100/${figure}`);
  const rows = [
    ...row("two processes, 1 hot key: share of one alone", pair, hot("share"), "≥", TARGETS.kvTogether[pair]),
    ...row("the same: slowest / fastest", pair, hot("fairness"), "≥", TARGETS.kvFairness[pair]),
    ...row("the same: slowest decision, ms", pair, hot("slowest"), "≤", TARGETS.kvSlowest[pair]),
    ...row("the same: let in, not charged", pair, hot("not charged"), "≤", 0),
    ...row("the same: let in elsewhere", pair, hot("elsewhere"), "≤", 0),
  ];
  if (pair !== "deno+deno") return rows;
  return [
    ...rows,
    ...row("two processes, 100 keys: share of one alone", pair, hundred("share"), "≥", TARGETS.kvTogether100[pair]),
    ...row("the same: slowest / fastest", pair, hundred("fairness"), "≥", TARGETS.kvFairness100[pair]),
    ...row("the same: let in elsewhere", pair, hundred("elsewhere"), "≤", 0),
  ];
}

function serverRows(samples: Samples, runtime: Runtime): Row[] {
  const hot = `${runtime}/server/hot`;
  const figure = (name: string) => samples.get(`${hot}/kvota/${name}`);
  return [
    ...row(
      "denokv, 1 hot key: times the naive loop",
      runtime,
      timesNaive(samples, hot),
      "≥",
      TARGETS.serverHot[runtime],
    ),
    ...row("the same: let in, not charged", runtime, figure("not charged"), "≤", 0),
    ...row("the same: admitted wrongly", runtime, figure("admitted wrongly"), "≤", 0),
  ];
}

function fourRows(samples: Samples): Row[] {
  const figure = (name: string) => samples.get(`${FOUR}/server/together/${name}`);
  return [
    ...row("four processes, 1 hot key: share of one alone", FOUR, figure("share"), "≥", TARGETS.serverTogether[FOUR]),
    ...row("the same: slowest / fastest", FOUR, figure("fairness"), "≥", TARGETS.serverFairness[FOUR]),
    ...row("the same: let in, not charged", FOUR, figure("not charged"), "≤", 0),
    ...row("the same: let in elsewhere", FOUR, figure("elsewhere"), "≤", 0),
  ];
}

function leasedRows(samples: Samples, runtime: Runtime): Row[] {
  const target = TARGETS.leasedHttp[runtime];
  return [
    ...row("leased, HTTP, 1,000 clients: share of memory's", runtime, leasedShares(samples, runtime), "≥", target),
    ...row(
      "leased, a global rule besides: share of without",
      runtime,
      globalShares(samples, runtime),
      "≥",
      TARGETS.leasedGlobal[runtime],
    ),
  ];
}

function commitRows(samples: Samples, on: (typeof HOT_ON)[number]): Row[] {
  const figure = (name: string) => samples.get(`${on}/leased/hot/${name}`);
  return [
    ...row("leased, 50,000 requests/s: commits/s", on, figure("commits"), "≤", TARGETS.leasedCommits[on]),
    ...row("the same: let in elsewhere", on, figure("elsewhere"), "≤", 0),
  ];
}

/** One row; none where there are no rounds. */
function row(
  what: string,
  on: Runtime | Company,
  rounds: readonly number[] = [],
  bound: Bound,
  target: number,
): Row[] {
  if (rounds.length === 0) return [];
  const value = median(rounds);
  const [lowest, highest] = [Math.min(...rounds), Math.max(...rounds)];
  return [[
    what,
    NAMES[on],
    value.toFixed(2),
    `${lowest.toFixed(2)} – ${highest.toFixed(2)}`,
    `${bound} ${Number(target.toFixed(2))}`,
    verdict(bound === "≤" ? value <= target : value >= target, lowest < target && target < highest),
  ]];
}

function verdict(reached: boolean, undecided: boolean): string {
  return `${reached ? "yes" : "**no**"}${undecided ? ", but rounds disagree" : ""}`;
}
