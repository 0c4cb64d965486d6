// deno-lint-ignore-file no-console -- its tables are its output
/** `deno task bench [--quick] [--report]`. */
import { measureDecisions, measureMemory } from "./decide.ts";
import type { Samples } from "./figures.ts";
import { measureHttp } from "./http.ts";
import { describeMachine } from "./machine.ts";
import { type Rounds, writeReport } from "./report.ts";
import { findTools } from "./runtimes.ts";
import { decisionTable, httpTable, memoryTable, targetTable } from "./tables.ts";

const FULL: Rounds = { decide: 4, memory: 2, http: 4 };
const QUICK: Rounds = { decide: 1, memory: 1, http: 1 };

const unknown = Deno.args.filter((arg) => arg !== "--quick" && arg !== "--report");
if (unknown.length > 0) {
  console.error(`Cannot understand ${unknown.join(" ")}: there are --quick and --report`);
  Deno.exit(2);
}
const rounds = Deno.args.includes("--quick") ? QUICK : FULL;
const tools = await findTools();
const machine = await describeMachine(tools);
console.log(Object.entries(machine).map(([what, value]) => `${what}: ${value}`).join("\n"));

const samples: Samples = new Map();
await measureDecisions(tools, samples, rounds.decide);
console.log(`\n${decisionTable(samples)}`);
await measureMemory(tools, samples, rounds.memory);
console.log(`\n${memoryTable(samples)}`);
await measureHttp(tools, samples, rounds.http);
console.log(`\n${httpTable(samples)}\n\n${targetTable(samples)}`);
if (Deno.args.includes("--report")) await writeReport(samples, rounds, machine);
