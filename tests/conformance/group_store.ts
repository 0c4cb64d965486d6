/** A store in a Map that commits groups of rows, each for itself. */
import type { GroupOutcome, RowWrite } from "../../src/stores/store.ts";
import { MapStore, turn } from "./map_store.ts";

export class GroupStore extends MapStore {
  readonly maxGroupRows: number = 64;

  async commitGroups(groups: readonly (readonly RowWrite[])[]): Promise<readonly GroupOutcome[]> {
    await turn();
    return groups.map((group) => this.#commit(group));
  }

  #commit(writes: readonly RowWrite[]): GroupOutcome {
    if (writes.every((write) => this.stands(write))) return { versions: writes.map((write) => this.write(write)) };
    const rows = writes.map(({ key }) => this.find(key));
    return {
      rows: rows.map((row) => ({ value: row && this.handOut(row.value), version: row?.version ?? null })),
    };
  }
}
