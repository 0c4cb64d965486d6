/** The figures over Redis as Markdown tables. */
import { medianOf, ratiosOf, RUNTIMES, type Samples } from "./figures.ts";
import { milliseconds, most, times } from "./kv_tables.ts";
import { REDIS_SCENARIOS } from "./redis.ts";
import { REDIS_CONTENDERS } from "./redis_contenders.ts";
import { NAMES, table, whole } from "./tables.ts";

const [KVOTA, ...PEERS] = REDIS_CONTENDERS;

/** kvota's decisions a second against the fastest peer's, round by round. */
export function timesFastestPeer(samples: Samples, scenario: string): number[] {
  const rounds = PEERS.map((peer) => ratiosOf(samples, `${scenario}/${KVOTA}/rate`, `${scenario}/${peer}/rate`));
  return rounds[0]!.map((_, round) => Math.min(...rounds.map((ratios) => ratios[round]!)));
}

export function redisTables(samples: Samples): string {
  return REDIS_SCENARIOS.map(({ id, title }) => scenarioTable(samples, id, title)).join("\n\n");
}

function scenarioTable(samples: Samples, id: string, title: string): string {
  const rows = RUNTIMES.flatMap((runtime) => {
    const scenario = `${runtime}/redis/${id}`;
    return REDIS_CONTENDERS.map((contender) => {
      const figure = (name: string) => medianOf(samples, `${scenario}/${contender}/${name}`);
      return [
        contender,
        NAMES[runtime],
        whole(figure("rate")),
        contender === KVOTA ? times(timesFastestPeer(samples, scenario)) : "",
        ...["p50", "p99", "slowest"].map((name) => milliseconds(figure(name))),
        ...["not charged", "charged twice", "admitted wrongly", "elsewhere"].map((name) =>
          most(samples, `${scenario}/${contender}/${name}`)
        ),
      ];
    });
  });
  const counts = ["not charged", "charged twice", "admitted wrongly", "not from Redis"];
  const head = ["on", "decisions/s", "× the fastest peer", "p50 ms", "p99 ms", "slowest ms"];
  return table([title, ...head, ...counts], rows);
}
