/** Whether requests are answered in time, on a machine that may stand still for a while. */

/** What an answer may take beyond the deadline, in milliseconds. */
const GRACE = 50;
/** How often it is looked how late timers are, in milliseconds. */
const STEP = 10;

export class Watch {
  readonly #deadline: number;
  #late = 0;
  #slowest = 0;
  #lag = 0;
  /** For how long the event loop has stood still in all, in milliseconds. */
  #stood = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param timeout Milliseconds that a store may take. */
  constructor(timeout: number) {
    this.#deadline = timeout + GRACE;
    this.#step();
  }

  /**
   * A request is made; gives what is to be called when it is answered.
   *
   * A timer, and no clock, says whether that is too late: an event loop that stands still makes both late. An answer may take several timers,
   * of which each may be late, so that it may take as much longer as timers with nothing to do were late meanwhile.
   */
  begin(): () => void {
    const start = performance.now();
    const stood = this.#stood;
    let isLate = false;
    let timer = setTimeout(() => {
      const lag = performance.now() - start - this.#deadline;
      timer = setTimeout(() => isLate = true, Math.max(lag, this.#stood - stood));
    }, this.#deadline);
    return () => {
      clearTimeout(timer);
      if (isLate) this.#late++;
      this.#slowest = Math.max(this.#slowest, performance.now() - start);
    };
  }

  end(): { readonly late: number; readonly slowest: number; readonly lag: number } {
    clearTimeout(this.#timer);
    return { late: this.#late, slowest: this.#slowest, lag: this.#lag };
  }

  #step(): void {
    const due = performance.now() + STEP;
    this.#timer = setTimeout(() => {
      const lag = performance.now() - due;
      this.#lag = Math.max(this.#lag, lag);
      // Less is what timers are late on any machine.
      if (lag >= STEP) this.#stood += lag;
      this.#step();
    }, STEP);
  }
}
