/** Promises about groups of rows, broken: `testStore` has to name them. */
import { test } from "node:test";
import type { GroupOutcome, RowWrite } from "../../src/stores/store.ts";
import { testStore } from "../../testing.ts";
import { names } from "./broken_store.ts";
import { GroupStore } from "./group_store.ts";

type Groups = readonly (readonly RowWrite[])[];

const EACH = "`commitGroups` writes each group whose versions stand";
const ALL_OR_NONE = "`commitGroups` writes all rows of a group or none";
const UP_TO = "`commitGroups` and `read` take up to `maxGroupRows` rows";

test("a Map that commits groups passes", async () => {
  await testStore(() => new GroupStore());
});

class Together extends GroupStore {
  override async commitGroups(groups: Groups): Promise<readonly GroupOutcome[]> {
    const stand = groups.flat().every((write) => this.stands(write));
    if (stand) return await super.commitGroups(groups);
    const rows = await Promise.all(groups.map((group) => this.read(group.map(({ key }) => key))));
    return rows.map((rows) => ({ rows }));
  }
}
names("that commits all groups or none", () => new Together(), [EACH], "only");

class RowByRow extends GroupStore {
  override async commitGroups(groups: Groups): Promise<readonly GroupOutcome[]> {
    const outcomes = await super.commitGroups(groups);
    for (const write of groups.flat()) if (this.stands(write)) this.write(write);
    return outcomes;
  }
}
names("that writes each row of a group for itself", () => new RowByRow(), [ALL_OR_NONE], "only");

class NoRows extends GroupStore {
  override async commitGroups(groups: Groups): Promise<readonly GroupOutcome[]> {
    const outcomes = await super.commitGroups(groups);
    return outcomes.map((outcome) => "rows" in outcome ? { rows: [] } : outcome);
  }
}
names("that does not bring along what stands", () => new NoRows(), [ALL_OR_NONE]);

class First extends GroupStore {
  override async commitGroups(groups: Groups): Promise<readonly GroupOutcome[]> {
    return await super.commitGroups(groups.slice(0, 1));
  }
}
names("that commits the first group only", () => new First(), [EACH, UP_TO]);

class Few extends GroupStore {
  override async commitGroups(groups: Groups): Promise<readonly GroupOutcome[]> {
    if (groups.length > 60) throw new RangeError("too many");
    return await super.commitGroups(groups);
  }
}
names("that commits fewer groups than it says", () => new Few(), [UP_TO], "only");
