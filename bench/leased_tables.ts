/** The figures of `consistency: "leased"` as Markdown tables. */
import { median, medianOf, ratiosOf, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { HOT_ON, STORES } from "./leased.ts";
import { most } from "./kv_tables.ts";
import { NAMES, table, whole } from "./tables.ts";

export function leasedTables(samples: Samples): string {
  return [httpTable(samples), hotTable(samples), globalTable(samples)].join("\n\n");
}

/** Requests a second over leases as a share of those with the memory store, round by round. */
export function leasedShares(samples: Samples, runtime: Runtime): number[] {
  return ratiosOf(samples, `${runtime}/leased/http/leased`, `${runtime}/leased/http/memory`);
}

/** The same of those with the memory store while each client's row is written once a second, which is what leases take at least. */
export function committedShares(samples: Samples, runtime: Runtime): number[] {
  return ratiosOf(samples, `${runtime}/leased/http/leased`, `${runtime}/leased/http/memory and commits`);
}

/** Decisions a second with a global rule as a share of those without, round by round. */
export function globalShares(samples: Samples, runtime: Runtime): number[] {
  return ratiosOf(samples, `${runtime}/leased/crowd/with global/rate`, `${runtime}/leased/crowd/alone/rate`);
}

function httpTable(samples: Samples): string {
  const rows = RUNTIMES.map((runtime) => [
    NAMES[runtime],
    ...STORES.map((store) => whole(medianOf(samples, `${runtime}/leased/http/${store}`))),
    ...[leasedShares, committedShares].map((shares) => median(shares(samples, runtime)).toFixed(2)),
  ]);
  const head = [
    "requests/s, 1,000 clients",
    "memory store",
    "and commits",
    "leased",
    "leased / memory",
    "/ and commits",
  ];
  return table(head, rows);
}

function hotTable(samples: Samples): string {
  const rows = HOT_ON.map((on) => {
    const name = (figure: string) => `${on}/leased/hot/${figure}`;
    return [
      NAMES[on],
      whole(medianOf(samples, name("rate"))),
      ...["commits", "reads"].map((figure) => medianOf(samples, name(figure)).toFixed(1)),
      most(samples, name("elsewhere")),
    ];
  });
  const head = ["1 hot key, 50,000 requests/s each", "requests/s", "commits/s", "reads/s", "let in elsewhere"];
  return table(head, rows);
}

function globalTable(samples: Samples): string {
  const rows = RUNTIMES.flatMap((runtime) =>
    (["alone", "with global"] as const).map((what) => {
      const name = (figure: string) => `${runtime}/leased/crowd/${what}/${figure}`;
      return [
        what === "alone" ? "a rule for each client" : "and a global rule",
        NAMES[runtime],
        whole(medianOf(samples, name("rate"))),
        what === "alone" ? "1.00" : median(globalShares(samples, runtime)).toFixed(2),
        ...["commits", "reads"].map((figure) => whole(medianOf(samples, name(figure)))),
        most(samples, name("elsewhere")),
      ];
    })
  );
  const head = ["1,000 clients", "on", "decisions/s", "share", "commits/s", "reads/s", "let in elsewhere"];
  return table(head, rows);
}
