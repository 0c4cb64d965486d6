import { kvotaError, show } from "./errors.ts";

/** Whether a value is a cost that can be charged. */
export function isCost(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * What a caller gave as a cost, if it is one.
 *
 * @throws {RangeError} `KVOTA_COST_INVALID`.
 */
export function checkCost(cost: unknown): number {
  if (isCost(cost)) return cost;
  throw kvotaError(
    "RangeError",
    "KVOTA_COST_INVALID",
    `Cannot charge: a cost must be a non-negative integer, received ${show(cost)}`,
  );
}
