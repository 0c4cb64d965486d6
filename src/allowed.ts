/** What several rules said that all allow: in most decisions nobody asks for more than the figures of all together. */
import type { Source } from "./charge.ts";
import type { Charge, Ledger } from "./ledger.ts";
import { type Figures, Part } from "./part.ts";
import type { Detail } from "./result.ts";

function isEnforced({ ledger }: Charge): boolean {
  return ledger.tally.mode === "enforce";
}

/** Numbers kept of each limit. */
const FIGURES = 3;

export class Allowed implements Detail {
  // Set by the constructor: to define them first takes JavaScriptCore a call.
  declare remaining: number;
  declare resetAt: number;
  declare readonly retryAfter: 0;
  declare delay: number;
  declare limit: number;
  declare readonly unavailable: false;
  readonly #charges: readonly Charge[];
  readonly #source: Source;
  readonly #isEnforced: boolean;
  /** Of each charge the row's time, and of each of its limits `remaining`, `resetAt` and `delay`: an object for each is half of what a decision takes. */
  readonly #said: number[] = [];
  #made = 0;
  /** Which charge's rule decides. */
  #decider = 0;
  #parts: readonly Part[] | undefined = undefined;

  constructor(charges: readonly Charge[], source: Source) {
    this.remaining = Infinity;
    this.resetAt = 0;
    this.retryAfter = 0;
    this.delay = 0;
    this.limit = 0;
    this.unavailable = false;
    this.#charges = charges;
    this.#source = source;
    this.#isEnforced = charges.some(isEnforced);
  }

  /** The next charge was made at `chargedAt`, and its row's verdicts tell the rest. */
  add(chargedAt: number): void {
    const made = this.#made++;
    const { mode, row: { verdicts } } = this.#charges[made]!.ledger.tally;
    // Those in shadow mode decide only where there are no others.
    const decides = (mode === "enforce") === this.#isEnforced;
    this.#said.push(chargedAt);
    for (let i = 0; i < verdicts.length; i++) {
      const { remaining, resetAt, delay } = verdicts[i]!;
      this.#said.push(remaining, resetAt, delay);
      if (!decides) continue;
      if (remaining < this.remaining) {
        this.remaining = remaining;
        this.limit = i;
        this.#decider = made;
      }
      if (resetAt > this.resetAt) this.resetAt = resetAt;
      if (delay > this.delay) this.delay = delay;
    }
  }

  get origin(): Ledger {
    return this.#charges[this.#decider]!.ledger;
  }

  get key(): string {
    return this.#charges[this.#decider]!.key;
  }

  get part(): Part {
    return this.parts[this.#decider]!;
  }

  get parts(): readonly Part[] {
    return this.#parts ??= this.#make();
  }

  #make(): readonly Part[] {
    const said = this.#said;
    let at = 0;
    return this.#charges.map(({ ledger, key, cost }) => {
      const chargedAt = said[at++]!;
      const figures: Figures[] = [];
      const delays: number[] = [];
      for (const _ of ledger.tally.row.limits) {
        figures.push({ remaining: said[at]!, resetAt: said[at + 1]!, retryAfter: 0 });
        delays.push(said[at + 2]!);
        at += FIGURES;
      }
      return new Part(ledger, key, figures, { key, cost, chargedAt, delays, source: this.#source });
    });
  }
}
