/** The figures over Redis as Markdown tables. */
import { medianOf, ratiosOf, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { milliseconds, most, times } from "./kv_tables.ts";
import { PEERS, REDIS_SCENARIOS } from "./redis_job.ts";
import { NAMES, table, whole } from "./tables.ts";

type Scenario = (typeof REDIS_SCENARIOS)[number];

/** kvota's decisions a second against the fastest peer's, round by round; none where they were not measured. */
export function timesFastestPeer(samples: Samples, runtime: Runtime, { id, kvota }: Scenario): number[] {
  const name = (contender: string) => `${runtime}/redis/${id}/${contender}/rate`;
  if (!samples.has(name(kvota))) return [];
  const rounds = PEERS.map((peer) => ratiosOf(samples, name(kvota), name(peer)));
  return rounds[0]!.map((_, round) => Math.min(...rounds.map((ratios) => ratios[round]!)));
}

export function redisTables(samples: Samples): string {
  const measured = REDIS_SCENARIOS.filter((scenario) =>
    RUNTIMES.some((runtime) => timesFastestPeer(samples, runtime, scenario).length > 0)
  );
  return measured.map((scenario) => scenarioTable(samples, scenario)).join("\n\n");
}

function scenarioTable(samples: Samples, scenario: Scenario): string {
  const { id, title, kvota } = scenario;
  const rows = RUNTIMES.flatMap((runtime) => {
    return [kvota, ...PEERS].map((contender) => {
      const name = (figure: string) => `${runtime}/redis/${id}/${contender}/${figure}`;
      const figure = (what: string) => medianOf(samples, name(what));
      return [
        contender,
        NAMES[runtime],
        whole(figure("rate")),
        contender === kvota ? times(timesFastestPeer(samples, runtime, scenario)) : "",
        ...["p50", "p99", "slowest"].map((name) => milliseconds(figure(name))),
        ...["not charged", "charged twice", "admitted wrongly", "elsewhere"].map((what) => most(samples, name(what))),
      ];
    });
  });
  const counts = ["not charged", "charged twice", "admitted wrongly", "not from Redis"];
  const head = ["on", "decisions/s", "× the fastest peer", "p50 ms", "p99 ms", "slowest ms"];
  return table([title, ...head, ...counts], rows);
}
