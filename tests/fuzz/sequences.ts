// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Random sequences of every method of a limiter, in every store, against models that share no code with it. */
import fc from "fast-check";
import type { Store } from "../../mod.ts";
import { start } from "../laws/traces.ts";
import { type Action, type Setup, setups, singleSetups, steadyActions, unsteadyActions } from "./actions.ts";
import { places } from "./places.ts";
import { always, type FuzzProperty, holds } from "./property.ts";
import { Scene } from "./scene.ts";

async function play(setup: Setup, now: number, actions: readonly Action[], limiters: number, store?: Store) {
  const scene = new Scene(setup, now, limiters, store);
  for (const action of actions) await scene.step(action);
  await scene.end();
}

function property(
  setups: fc.Arbitrary<Setup>,
  actions: fc.Arbitrary<Action[]>,
  limiters: number,
  store?: Store,
): fc.IAsyncProperty<[Setup, number, Action[]]> {
  return fc.asyncProperty(setups, start, actions, (setup, now, actions) => play(setup, now, actions, limiters, store));
}

export const sequences: readonly FuzzProperty[] = [1, 2].flatMap((limiters) => {
  const who = limiters === 1 ? "a limiter" : "two limiters that take turns";
  return [
    always(`sequences: ${who} in memory, as the models`, 150, property(setups, steadyActions, limiters)),
    // A row that is past gives way to others in memory, and is not there any more when the clock goes back.
    always(
      `sequences: ${who} in memory, whose clock is set back, as the model`,
      150,
      property(singleSetups, unsteadyActions, limiters),
    ),
    ...places.map(({ name, share, with: open }): FuzzProperty => ({
      name: `sequences: ${who} in ${name}, as the models`,
      runs: Math.ceil(80 * share),
      check: (tries) =>
        // A row's time is not brought back for a clock that goes back where it is another limiter's.
        open(({ store }) =>
          holds(property(setups, limiters > 1 ? steadyActions : unsteadyActions, limiters, store), tries)
        ),
    })),
  ];
});
