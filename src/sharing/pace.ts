/** How often one row is committed at most, in milliseconds; a few commits may follow each other at once after a while without. */
const INTERVAL = 100;
const BURST = 3;

export class Pace {
  #credit = BURST;
  #at = performance.now();

  /** Takes the next commit; milliseconds after which it may be made. */
  take(): number {
    const now = performance.now();
    const credit = Math.min(BURST, this.#credit + (now - this.#at) / INTERVAL);
    // Who cannot wait so long is not made to wait for it later.
    this.#credit = Math.max(-1, credit - 1);
    this.#at = now;
    return Math.max(0, -this.#credit * INTERVAL);
  }
}
