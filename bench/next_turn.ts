/** The event loop's next turn, for clients that are answered at once: connections of a server ask once in a turn. */
import { setImmediate } from "node:timers";

let turn: Promise<void> | undefined;

export function nextTurn(): Promise<void> {
  return turn ??= new Promise((resolve) =>
    setImmediate(() => {
      turn = undefined;
      resolve();
    })
  );
}
