/** One process: a limiter with a clock of its own, what is asked of it, and what is noted of its answers. */
import { createRateLimiter, type LimitObject, type RateLimiter, type RateLimitResult } from "../../mod.ts";
import type { Owner, VirtualTime } from "./clock.ts";
import { Connection, GroupConnection, type Wire } from "./connection.ts";
import type { Call, Log, Seen } from "./log.ts";
import { type Order, rowsOf, type RuleSpec, type Scenario } from "./scenario.ts";
import type { Database, Sight } from "./store.ts";

/** The request that is asked about; who asks is told beside it. */
const request = new Request("http://localhost/");

export class Process implements Owner {
  isAlive = true;
  readonly index: number;
  readonly skew: number;
  readonly #limiter: RateLimiter;
  readonly #scenario: Scenario;
  readonly #time: VirtualTime;
  readonly #log: Log;
  /** What was last seen of each row, by rule and key. */
  readonly #seen = new Map<string, Seen>();
  /** How things stood when a decision was made. */
  readonly #sights = new WeakMap<RateLimitResult, readonly (Seen | undefined)[]>();
  /** Calls under way, by row. */
  readonly #busy = new Map<string, number>();
  /** Rows that one call has to itself: when it is done could not be told otherwise. */
  readonly #taken = new Set<string>();

  constructor(index: number, scenario: Scenario, time: VirtualTime, database: Database, wire: Wire, log: Log) {
    this.index = index;
    this.skew = scenario.skews[index]!;
    this.#scenario = scenario;
    this.#time = time;
    this.#log = log;
    const Store = scenario.takesGroups ? GroupConnection : Connection;
    const store = new Store(time, database, wire, this, (sights) => this.#see(sights));
    this.#limiter = createRateLimiter<[Order]>({
      rules: scenario.rules.map((rule, i) => ({
        name: rule.name,
        limit: limitsOf(rule),
        key: (_request, order) => order.keys[i]!,
        cost: (_request, { cost }) => cost,
      })),
      store,
      consistency: scenario.consistency,
      syncInterval: scenario.syncInterval,
      storeTimeout: scenario.storeTimeout,
      onStoreFailure: scenario.policy,
      clock: () => scenario.epoch + time.now + this.skew,
      onDecision: ({ result }) => {
        log.decided(result);
        this.#sights.set(result, result.rules.map(({ name, key }) => this.#seen.get(`${name}/${key}`)));
      },
      onEvent: (event) => log.tell(this, event.type),
    }) as RateLimiter;
  }

  /** Does what is ordered, unless a call that has the rows to itself is in the way. */
  take(order: Order): void {
    const { kind, cost, span, keys } = order;
    const rows = this.#rowsFor(order);
    if (rows.some((row) => this.#taken.has(row))) return;
    if (kind === "block" || kind === "reset" || kind === "wait") {
      if (rows.some((row) => this.#busy.has(row))) return;
      for (const row of rows) this.#taken.add(row);
    }
    const rule = this.#limiter.rule(this.#scenario.rules[order.rule]!.name);
    const key = keys[order.rule]!;
    const call = this.#log.open(this, kind, rows, cost, order);
    const acts: Record<typeof kind, () => unknown> = {
      limit: () => rule.limit(key, { cost }),
      check: () => this.#limiter.check(request, ...([order] as unknown as [])),
      peek: () => rule.peek(key, { cost }),
      wait: () => rule.wait(key, { cost, maxWait: span }),
      refund: () => rule.refund(key, cost),
      block: () => rule.block(key, span),
      reset: () => rule.reset(key),
    };
    this.#follow(call, acts[kind]);
  }

  /** Looks at every row that was ever asked for. */
  lookAtAll(rows: Iterable<string>): void {
    for (const row of rows) {
      const [name, key] = row.split("/") as [string, string];
      this.#follow(this.#log.open(this, "peek", [row], 1), () => this.#limiter.rule(name).peek(key));
    }
  }

  close(): void {
    this.#follow(this.#log.open(this, "close", [], 0), () => this.#limiter.close());
  }

  #follow(call: Call, act: () => unknown): void {
    for (const row of call.rows) this.#busy.set(row, (this.#busy.get(row) ?? 0) + 1);
    const ended = () => {
      for (const row of call.rows) {
        const left = this.#busy.get(row)! - 1;
        if (left > 0) this.#busy.set(row, left);
        else this.#busy.delete(row);
        if (left === 0) this.#taken.delete(row);
      }
    };
    (async () => await act())().then((given) => {
      ended();
      const result = (given ?? undefined) as RateLimitResult | undefined;
      const known = result === undefined ? undefined : this.#sights.get(result);
      this.#log.close(call, known ?? call.rows.map((row) => this.#seen.get(row)), result);
      if (result?.ok === true && call.kind !== "peek") this.#finish(call, result);
    }, (error) => {
      ended();
      this.#log.fail(call, error);
    });
  }

  /** What is done about a charge later. */
  #finish(call: Call, result: RateLimitResult): void {
    const { actual, span } = call.order!;
    this.#time.plan(span, this, () => {
      if (call.rows.some((row) => this.#taken.has(row))) return this.#finish(call, result);
      const held = rowsOf(this.#scenario, [call])
        .filter(({ limits }) => limits.some(({ algorithm }) => algorithm === "concurrency")).map(({ row }) => row);
      if (held.length > 0) this.#follow(this.#log.open(this, "release", held, call.cost, call), () => result.release());
      if (actual === undefined) return;
      for (const row of call.rows) {
        const settling = this.#log.open(this, "settle", [row], actual, call);
        this.#follow(settling, () => result.settle(actual, row.split("/")[0]!));
      }
    });
  }

  #rowsFor({ kind, rule, keys }: Order): readonly string[] {
    const rows = this.#scenario.rules.map(({ name }, i) => `${name}/${keys[i]}`);
    return kind === "check" ? rows : [rows[rule]!];
  }

  #see(sights: readonly Sight[]): void {
    for (const sight of sights) {
      const row = rowOf(sight.key);
      if (row === undefined) continue;
      const before = this.#seen.get(row);
      // A read that comes so late that nobody waits for it any more tells of older times, as a rule.
      if (!sight.isWritten && before !== undefined && before.order > sight.order) continue;
      const followsDeletion = sight.isWritten && before?.isWritten === true && before.leftAt === undefined;
      this.#seen.set(row, { ...sight, followsDeletion, before });
    }
  }
}

/** Which rule's row of which key a stored key names; preflights' rows, turns and probes are none. */
function rowOf(stored: string): string | undefined {
  const found = /\/8:ndefault2:r(\w)\/(\w+)$/.exec(stored);
  return found === null ? undefined : `${found[1]}/${found[2]}`;
}

function limitsOf({ name, limits }: RuleSpec): readonly LimitObject[] {
  return limits.map(({ algorithm, limit, window, burst }, i) => {
    const common = { algorithm, limit, window, name: `${name} ${i}` };
    return algorithm === "token-bucket" || algorithm === "leaky-bucket" ? { ...common, burst } : common;
  });
}
