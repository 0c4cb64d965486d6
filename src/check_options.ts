/** The checks on what a limiter is made from. */
import { isCost } from "./cost.ts";
import { optionInvalid, show } from "./errors.ts";
import { aFunction, anything, checkKinds, integerTo, type Kind, someText } from "./fields.ts";
import { isMemoryStore } from "./stores/memory/memory_store.ts";
import type { Store } from "./stores/store.ts";

const drafts: readonly unknown[] = ["draft-11", "draft-7", "draft-6"];

const ruleKinds: Readonly<Record<string, Kind>> = {
  name: { what: "text", fits: (value) => typeof value === "string" },
  limit: anything,
  plans: { what: "an object with limits by plan", fits: (value) => isObject(value) && Object.keys(value).length > 0 },
  plan: aFunction,
  key: { what: "a key selector", fits: isFunction },
  cost: {
    what: "a non-negative integer or a function",
    fits: (value) => isFunction(value) || (isCost(value) && !Object.is(value, -0)),
  },
  settle: aFunction,
  mode: oneOf("enforce", "shadow"),
};

const kinds: Readonly<Record<string, Kind>> = {
  ...ruleKinds,
  rules: { what: "a list of rules", fits: (value) => Array.isArray(value) && value.length > 0 },
  block: anything,
  skip: aFunction,
  store: { what: "a store, such as memoryStore() gives", fits: isStore },
  consistency: oneOf("strict", "leased", "eventual"),
  syncInterval: anything,
  storeTimeout: anything,
  onStoreFailure: oneOf("memory", "open", "closed"),
  expectedProcesses: integerTo(),
  secret: someText,
  headers: { what: `one of "draft-11", "draft-7" and "draft-6", and/or "legacy", or false`, fits: areHeaders },
  exposeHeaders: oneOf(true, false),
  response: aFunction,
  onDecision: aFunction,
  onEvent: aFunction,
  clock: aFunction,
};

function oneOf(...known: readonly unknown[]): Kind {
  return { what: known.map(show).join(" or "), fits: (value) => known.includes(value) };
}

/**
 * Refuses options that cannot be meant, unknown ones among them: a misspelt limit must not be no limit.
 *
 * @throws {TypeError | RangeError} `KVOTA_OPTION_INVALID`.
 */
export function checkOptions(options: unknown): void {
  checkKinds("make a rate limiter", options, kinds);
  const { rules, limit, plans, plan } = options as Record<string, unknown>;
  if (rules === undefined) return checkAllowance("make a rate limiter", options as Record<string, unknown>);
  for (const [name, value] of Object.entries({ limit, plans, plan })) {
    if (value !== undefined) throw optionInvalid("make a rate limiter", `\`${name}\` says nothing beside \`rules\``);
  }
  for (const rule of rules as readonly unknown[]) {
    checkKinds("make a rule", rule, { ...ruleKinds, match: anything });
    const { name } = rule as Record<string, unknown>;
    if (name === undefined) throw optionInvalid("make a rule", "its `name` is missing");
    checkAllowance(`make rule ${show(name)}`, rule as Record<string, unknown>);
  }
}

/** Limits, or plans and what names one. */
function checkAllowance(what: string, { limit, plans, plan }: Record<string, unknown>): void {
  if (limit === undefined && plans === undefined) throw optionInvalid(what, "`limit` is missing");
  if (limit !== undefined && plans !== undefined) {
    throw optionInvalid(what, "there must be `limit` or `plans`, received both");
  }
  if ((plans === undefined) !== (plan === undefined)) {
    throw optionInvalid(
      what,
      `\`plans\` and \`plan\` go together, received \`${plan === undefined ? "plans" : "plan"}\` alone`,
    );
  }
}

function areHeaders(value: unknown): boolean {
  if (value === false) return true;
  const formats: readonly unknown[] = Array.isArray(value) ? value : [value];
  const known = formats.every((format) => format === "legacy" || drafts.includes(format));
  return known && formats.length > 0 && new Set(formats).size === formats.length &&
    formats.filter((format) => drafts.includes(format)).length <= 1;
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStore(value: unknown): boolean {
  if (isMemoryStore(value)) return true;
  const { read, commit, maxRows } = (value ?? {}) as Partial<Store>;
  return isFunction(read) && isFunction(commit) && Number.isInteger(maxRows) && maxRows! > 0;
}
