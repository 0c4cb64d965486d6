/** When requests come, and which key each asks for. */
import { Random } from "../tests/simulation/random.ts";
import type { Fleet } from "./growth_fleets.ts";

export const SEED = 1;

/** Requests that come at one time, in milliseconds from the start. */
export interface Tick {
  readonly at: number;
  readonly keys: readonly number[];
}

/** One instance's: they come as they will, whether or not the ones before have been answered. */
export function* arrivals({ rate, keys }: Fleet, instance: number): Generator<Tick> {
  const random = new Random(SEED, `instance ${instance}`);
  for (let at = random.spread(1000 / rate);; at += random.spread(1000 / rate)) {
    yield { at, keys: [random.integer(0, keys - 1)] };
  }
}
