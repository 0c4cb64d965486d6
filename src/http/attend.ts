/** What an allowed request still has before it: its turn in a queue, a slot to free, a cost to settle. */
import type { Limiter } from "../limiter.ts";
import { chain, isPromise, type MaybePromise } from "../maybe_promise.ts";
import type { Settle } from "../options.ts";
import { detailOf, partsOf, type RateLimitResult } from "../result.ts";
import { idleTimer } from "../sharing/deadline.ts";
import { sleep } from "../sleep.ts";
import { endOf, whenSent } from "./sent.ts";

/** How nginx calls it that the client has gone: nobody will read it. */
const CLIENT_CLOSED_REQUEST = 499;
/** Renewals in a lease's time: one or two may come late. */
const RENEWALS = 3;
const LONGEST_PERIOD = 2 ** 30;

/** Whether there is anything of that. */
export function needsAttendance({ settles }: Limiter, result: RateLimitResult): boolean {
  return settles.size > 0 || (detailOf(result) !== undefined && (result.delay > 0 || isHolding(result)));
}

/**
 * Calls the handler when it is the request's turn, settles the cost by what comes of it, and frees its slots once the response has been sent.
 *
 * @param context What the runtime gave beside the request.
 * @param errorOf The error that the handler's answer was made of by a framework; to settle by.
 */
export function attend<Given>(
  limiter: Limiter,
  result: RateLimitResult,
  request: Request,
  context: unknown,
  handle: () => MaybePromise<Given>,
  errorOf: () => Error | undefined = () => undefined,
): MaybePromise<Given | Response> {
  const release = isHolding(result) ? hold(limiter, result) : () => {};
  const end = isHolding(result) ? endOf(request, context) : undefined;

  function served(answer: Given): Given | Response {
    if (!(answer instanceof Response)) {
      release();
      return answer;
    }
    settle(limiter, result, request, errorOf() ?? answer);
    // 101 is an upgraded connection, which may last for ever; 0 is Response.error().
    if (isHolding(result) && answer.status >= 200) return whenSent(answer, request, end, release);
    release();
    return answer;
  }

  function failed(error: unknown): never {
    release();
    settle(limiter, result, request, error as Error);
    throw error;
  }

  function run(): MaybePromise<Given | Response> {
    let given: MaybePromise<Given>;
    try {
      given = handle();
    } catch (error) {
      return failed(error);
    }
    return isPromise(given) ? given.then(served, failed) : served(given);
  }

  function leave(): Response {
    release();
    report(limiter, "settle-failed", () => result.settle(0));
    return new Response(null, { status: CLIENT_CLOSED_REQUEST });
  }

  return result.delay > 0 ? sleep(result.delay, request.signal).then(run, leave) : run();
}

function isHolding(result: RateLimitResult): boolean {
  return partsOf(result).some((part) => part.isHolding);
}

/** Keeps the slots until what it gives is called. */
function hold(limiter: Limiter, result: RateLimitResult): () => void {
  const parts = partsOf(result).filter((part) => part.isHolding);
  const leases = parts.flatMap(({ origin }) => origin.tally.row.limits.filter(({ transition }) => transition.isHeld));
  const period = Math.min(LONGEST_PERIOD, ...leases.map(({ window }) => window)) / RENEWALS;
  let timer = idleTimer(renew, period);
  let isOver = false;

  async function renew(): Promise<void> {
    if (isOver) return;
    await Promise.all(
      parts.map((part) => part.renew().catch((error) => limiter.tell({ type: "release-failed", error }))),
    );
    if (!isOver) timer = idleTimer(renew, period);
  }

  return () => {
    isOver = true;
    report(limiter, "release-failed", () => result.release());
    try {
      clearTimeout(timer);
    } catch {
      // Outside of its request workerd lets nobody touch a timer: the renewal will find that there is nothing to renew.
    }
  };
}

/** Charges or gives back what the cost really was, rule by rule. */
function settle(limiter: Limiter, result: RateLimitResult, request: Request, outcome: Response | Error): void {
  const costs = new Map<Settle, MaybePromise<number>>();
  for (const { origin: { tally } } of partsOf(result)) {
    const settle = limiter.settles.get(tally.rule);
    if (settle === undefined) continue;
    report(limiter, "settle-failed", () => {
      if (!costs.has(settle)) costs.set(settle, settle(outcome, request, result));
      return chain(costs.get(settle)!, (cost) => result.settle(cost, tally.rule));
    });
  }
}

/** Does something whose failure is the operator's to know, and not the request's. */
function report(limiter: Limiter, type: "settle-failed" | "release-failed", act: () => MaybePromise<void>): void {
  try {
    const done = act();
    if (isPromise(done)) done.catch((error) => limiter.tell({ type, error }));
  } catch (error) {
    limiter.tell({ type, error });
  }
}
