// deno-lint-ignore-file no-console no-await-in-loop -- its tables are its output; measurements must not run beside each other
/** `deno task bench [--quick] [--report] [--only=…]`. */
import { measureDecisions, measureMemory } from "./decide.ts";
import { deniedTables, measureDenied } from "./denied.ts";
import type { Samples } from "./figures.ts";
import { measureFlood } from "./flood.ts";
import { floodedServerTable, floodTable, headerTable } from "./flood_tables.ts";
import { measureGrowth, writeStudy } from "./growth.ts";
import { growthTables } from "./growth_tables.ts";
import { measureHttp } from "./http.ts";
import { measureKv } from "./kv.ts";
import { kvTables, serverTables } from "./kv_tables.ts";
import { measureLeased } from "./leased.ts";
import { leasedTables } from "./leased_tables.ts";
import { loadTable, measureLoad, sizeTable } from "./load.ts";
import { describeMachine, watchProcessor } from "./machine.ts";
import { measureRedis } from "./redis.ts";
import { redisTables } from "./redis_tables.ts";
import { writeReport } from "./report.ts";
import { merge, readResults, type Rounds } from "./results.ts";
import { findTools, type Tools } from "./runtimes.ts";
import { measureServer } from "./server.ts";
import { decisionTable, httpTable, memoryTable, shapeTable } from "./tables.ts";
import { targetTable } from "./targets.ts";

const FULL: Rounds = { decide: 4, memory: 2, flood: 1, http: 4, kv: 3, kvSeconds: 3 };
const QUICK: Rounds = { decide: 1, memory: 1, flood: 1, http: 1, kv: 1, kvSeconds: 1 };

/** What can be measured alone. */
const PARTS: Record<string, (tools: Tools, samples: Samples, rounds: Rounds) => Promise<string>> = {
  async decide(tools, samples, rounds) {
    await measureDecisions(tools, samples, rounds.decide);
    return `${decisionTable(samples)}\n\n${shapeTable(samples)}`;
  },
  async memory(tools, samples, rounds) {
    await measureMemory(tools, samples, rounds.memory);
    return memoryTable(samples);
  },
  async load(tools, samples, rounds) {
    await measureLoad(tools, samples, rounds.memory);
    return `${loadTable(samples)}\n\n${sizeTable(samples)}`;
  },
  async flood(tools, samples, rounds) {
    await measureFlood(tools, samples, rounds.flood);
    return `${floodTable(samples)}\n\n${floodedServerTable(samples)}\n\n${headerTable(samples)}`;
  },
  async kv(tools, samples, rounds) {
    await measureKv(tools, samples, rounds.kv, rounds.kvSeconds * 1000);
    return kvTables(samples);
  },
  async server(tools, samples, rounds) {
    await measureServer(tools, samples, rounds.kv, rounds.kvSeconds * 1000);
    return serverTables(samples);
  },
  async leased(tools, samples, rounds) {
    await measureLeased(tools, samples, rounds.kv, rounds.kvSeconds * 1000);
    return leasedTables(samples);
  },
  async redis(tools, samples, rounds) {
    await measureRedis(tools, samples, rounds.kv, rounds.kvSeconds * 1000);
    return redisTables(samples);
  },
  async http(tools, samples, rounds) {
    await measureHttp(tools, samples, rounds.http);
    return httpTable(samples);
  },
  async denied(tools, samples, rounds) {
    await measureDenied(tools, samples, rounds.memory);
    return deniedTables(samples);
  },
  async growth(tools) {
    const study = await measureGrowth(tools, quick!);
    if (report) await writeStudy(study);
    return growthTables(study).join("\n\n");
  },
};

const [quick, report] = ["--quick", "--report"].map((flag) => Deno.args.includes(flag));
const only = Deno.args.filter((arg) => arg.startsWith("--only=")).map((arg) => arg.slice("--only=".length));
const known = ["--quick", "--report", ...Object.keys(PARTS).map((part) => `--only=${part}`)];
const unknown = Deno.args.filter((arg) => !known.includes(arg));
if (unknown.length > 0) refuse(`Cannot understand ${unknown.join(" ")}: there are ${known.join(" ")}`);
const rounds = quick ? QUICK : FULL;
const tools = await findTools();
// Not after all that can be measured without.
if (isWanted("server") && tools.denokv === undefined) {
  refuse("Cannot measure over a server: denokv is neither in PATH nor in KVOTA_DENOKV (cargo install denokv --locked)");
}
const machine = await describeMachine(tools);
console.log(Object.entries(machine).map(([what, value]) => `${what}: ${value}`).join("\n"));

const samples: Samples = new Map();
const taken = await watchProcessor();
for (const [name, measure] of Object.entries(PARTS)) {
  if (!isWanted(name)) continue;
  console.log(`\n${await measure(tools, samples, rounds)}`);
}
const host = await taken();
if (samples.size > 0) console.log(`\n${targetTable(samples)}`);
for (const [what, share] of Object.entries(host)) console.log(`\n${what}: ${share}`);
// Growth has a report of its own.
if (report && samples.size > 0) {
  const before = only.length > 0 ? await readResults() : { parts: {}, samples: new Map() };
  await writeReport(merge(before, samples, { rounds, machine: { ...machine, ...host } }));
}

function isWanted(part: string): boolean {
  return only.length === 0 || only.includes(part);
}

function refuse(why: string): never {
  console.error(why);
  Deno.exit(2);
}
