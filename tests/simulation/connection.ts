/** A process's way to the store: how long it takes, and what goes wrong on it. */
import type { GroupOutcome, RowWrite, Store, StoredRow } from "../../src/stores/store.ts";
import type { Owner, VirtualTime } from "./clock.ts";
import type { Episode, Fault, Network } from "./faults.ts";
import type { Random } from "./random.ts";
import { type Answer, type Database, REFUSED, type Sight } from "./store.ts";

/** What becomes of one call. */
interface Fate {
  readonly there: number;
  readonly back: number;
  readonly fault: Fault | undefined;
  readonly isSilent: boolean;
}

/** One process's way to the store. */
export class Connection implements Store {
  readonly description = "a simulated store";
  readonly maxRows = 10;
  readonly #time: VirtualTime;
  protected readonly database: Database;
  readonly #wire: Wire;
  readonly #owner: Owner;
  readonly #seen: (sights: readonly Sight[]) => void;

  /** @param seen Told what an answer shows, just before it arrives. */
  constructor(
    time: VirtualTime,
    database: Database,
    wire: Wire,
    owner: Owner,
    seen: (sights: readonly Sight[]) => void,
  ) {
    this.#time = time;
    this.database = database;
    this.#wire = wire;
    this.#owner = owner;
    this.#seen = seen;
  }

  read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    return this.call("read", () => this.database.read(keys));
  }

  commit(writes: readonly RowWrite[]): Promise<readonly (string | null)[] | null> {
    return this.call("commit", (fate) => {
      return fate === "refused" ? REFUSED : this.database.commit(writes);
    });
  }

  protected call<T>(
    kind: "read" | "commit",
    act: (fault: Fault | undefined) => Answer<T>,
  ): Promise<T> {
    const { there, back, fault, isSilent } = this.#wire.fate(kind);
    return new Promise((resolve, reject) => {
      const fail = (after: number) => {
        if (!isSilent) this.#time.plan(after, this.#owner, () => reject(new Error("the connection was reset")));
      };
      if (fault === "lost" || fault === "read-only") return fail(there);
      const { forgettings } = this.database;
      const restarts = forgettings.length;
      this.#time.plan(there, undefined, () => {
        // It was on its way to a store that is no more.
        if (forgettings.length > restarts) return fail(0);
        const { answer, sights } = act(fault);
        if (fault === "unanswered") return fail(back);
        this.#time.plan(back, this.#owner, () => {
          this.#seen(sights);
          resolve(answer);
        });
      });
    });
  }
}

/** One that commits several groups of rows in a call, each for itself. */
export class GroupConnection extends Connection {
  readonly maxGroupRows = 50;

  commitGroups(groups: readonly (readonly RowWrite[])[]): Promise<readonly GroupOutcome[]> {
    return this.call("commit", (fault) => this.database.commitGroups(groups, fault === "refused"));
  }
}

/** How a process's calls fare. */
export class Wire {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #network: Network;
  readonly #episodes: readonly Episode[];
  readonly #timeout: number;

  constructor(time: VirtualTime, random: Random, network: Network, episodes: readonly Episode[], timeout: number) {
    this.#time = time;
    this.#random = random;
    this.#network = network;
    this.#episodes = episodes;
    this.#timeout = timeout;
  }

  fate(kind: "read" | "commit"): Fate {
    const { now } = this.#time;
    const [episode] = this.#episodes.filter(({ from, to, fault, probability }) =>
      now >= from && now < to && (kind === "commit" || (fault !== "refused" && fault !== "read-only")) &&
      this.#random.chance(probability)
    );
    const late = episode?.fault === "slow" ? this.#random.next() * 3 * this.#timeout : 0;
    const early = this.#random.next() * late;
    return {
      there: this.#latency() + early,
      back: this.#latency() + late - early,
      fault: episode?.fault,
      isSilent: episode?.isSilent ?? false,
    };
  }

  #latency(): number {
    return this.#network.least + this.#random.spread(this.#network.spread);
  }
}
