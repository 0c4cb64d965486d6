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
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param timeout Milliseconds that a store may take. */
  constructor(timeout: number) {
    this.#deadline = timeout + GRACE;
    this.#step();
  }

  /**
   * A request is made; gives what is to be called when it is answered.
   *
   * A timer, and no clock, says whether that is too late: an event loop that stands still makes both late, and in this order.
   */
  begin(): () => void {
    const start = performance.now();
    let isLate = false;
    const timer = setTimeout(() => isLate = true, this.#deadline);
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
      this.#lag = Math.max(this.#lag, performance.now() - due);
      this.#step();
    }, STEP);
  }
}
