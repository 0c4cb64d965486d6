/** What is under way in one flight. */
import { endDue } from "./deadline.ts";
import type { Bundle, Work } from "./remembered_row.ts";

/** Who is due is answered so much later at most, in milliseconds, together with others. */
const GRACE = 10;

/** A bundle, and what was taken of it that has not been told how it ended. */
export class Passenger {
  readonly bundle: Bundle;
  #works: readonly Work[];

  constructor(bundle: Bundle) {
    this.bundle = bundle;
    this.#works = bundle.take();
  }

  get works(): readonly Work[] {
    return this.#works;
  }

  /** Everything, to be told by whoever takes it. */
  take(): readonly Work[] {
    return this.takeDue(Infinity);
  }

  /** The same of what is due by now. */
  takeDue(now: number): readonly Work[] {
    const isDue = this.#works.filter((work) => work.due <= now);
    this.#works = this.#works.filter((work) => work.due > now);
    return isDue;
  }

  /** Has what is left wait for another flight. */
  putBack(): void {
    if (this.#works.length > 0) this.bundle.putBack(this.take());
  }
}

/**
 * Answers who cannot wait as long as the others, while the flight lasts; what it does may be done for them all the same.
 *
 * @returns Ends that.
 */
export function answerDue(passengers: readonly Passenger[], gaveUp: (error: unknown) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    const now = performance.now();
    endDue(passengers, now, gaveUp);
    let first = Infinity;
    let last = 0;
    for (const { works } of passengers) {
      for (const { due } of works) {
        first = Math.min(first, due);
        last = Math.max(last, due);
      }
    }
    // The calls end when the last is due.
    if (last - first > GRACE) timer = setTimeout(look, first - now + GRACE);
  };
  look();
  return () => clearTimeout(timer);
}
