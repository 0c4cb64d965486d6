/** Promises about versions and rows, broken: `testStore` has to name them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RowWrite, StoredRow } from "../../src/stores/store.ts";
import { failureOf, names } from "./broken_store.ts";
import { type MapRow, MapStore, turn } from "./map_store.ts";

type Versions = readonly (string | null)[] | null;

const TOLD = "`commit` gives the versions that `read` tells afterwards";
const ANOTHER = "Each write gives a row another version";
const AGAIN = "A row that is deleted and written anew never has a version again";
const STALE = "A commit with a version that does not stand any more";
const NULL = "The version null in a commit";
const ALL_OR_NONE = "A commit of up to `maxRows` rows writes all of them or none";
const ORDER = "`read` gives the rows in the order of the keys";
const ONE = "Of commits on one version at the same time exactly one succeeds";
const LOST = "No increment is lost";
const AS_ONE = "Limiters of one name and configuration count as one";

class AnyVersion extends MapStore {
  override stands(): boolean {
    return true;
  }
}
names("that accepts stale versions", () => new AnyVersion(), [STALE, NULL, ALL_OR_NONE, AGAIN, ONE, LOST, AS_ONE]);

class AnyVersionOfARow extends MapStore {
  override stands(write: RowWrite): boolean {
    return write.version !== null || super.stands(write);
  }
}
names("that accepts stale versions of rows", () => new AnyVersionOfARow(), [STALE, ALL_OR_NONE, AGAIN, ONE, LOST]);

class NullIsAny extends MapStore {
  override stands(write: RowWrite): boolean {
    return write.version === null || super.stands(write);
  }
}
names("that takes the version null for any", () => new NullIsAny(), [NULL, ONE, LOST, AS_ONE]);

class UpToTheFirst extends MapStore {
  override async commit(writes: readonly RowWrite[]): Promise<Versions> {
    await turn();
    const versions = [];
    for (const write of writes) {
      if (!this.stands(write)) return null;
      versions.push(this.write(write));
    }
    return versions;
  }
}
names("that writes up to the first stale row", () => new UpToTheFirst(), [ALL_OR_NONE], "only");

class FirstOnly extends MapStore {
  override async commit(writes: readonly RowWrite[]): Promise<Versions> {
    await turn();
    return this.stands(writes[0]!) ? writes.map((write) => this.write(write)) : null;
  }
}
names("that looks at the first row's version only", () => new FirstOnly(), [ALL_OR_NONE], "only");

class LookedBefore extends MapStore {
  override async commit(writes: readonly RowWrite[]): Promise<Versions> {
    await turn();
    if (!writes.every((write) => this.stands(write))) return null;
    await turn();
    return writes.map((write) => this.write(write));
  }
}
names("that looks first and writes later", () => new LookedBefore(), [ONE, LOST, AS_ONE]);

class Throwing extends MapStore {
  override async commit(writes: readonly RowWrite[]): Promise<Versions> {
    const versions = await super.commit(writes);
    if (versions === null) throw new Error("conflict");
    return versions;
  }
}
names("that throws where it should refuse", () => new Throwing(), [STALE, NULL, ALL_OR_NONE, LOST]);

class Refusing extends MapStore {
  override async commit(): Promise<Versions> {
    await turn();
    return null;
  }
}
// Limiters would try for as long as they wait.
names("that refuses whatever it is given", () => new Refusing(), [TOLD, ONE, LOST, AS_ONE], undefined, 50);

class NumberedByRow extends MapStore {
  override nextVersion(before: MapRow | undefined): string {
    return `${Number(before?.version ?? 0) + 1}`;
  }
}
names("that numbers each row's versions from 1", () => new NumberedByRow(), [AGAIN], "only");

class Hashed extends MapStore {
  override nextVersion(_: MapRow | undefined, value: Uint8Array): string {
    return `#${value}`;
  }
}
names("whose versions are hashes of the bytes", () => new Hashed(), [ANOTHER, AGAIN]);

class Numbers extends MapStore {
  override async commit(writes: readonly RowWrite[]): Promise<Versions> {
    const versions = await super.commit(writes);
    return versions && versions.map(Number) as unknown as string[];
  }
}
names("whose versions are numbers", () => new Numbers(), [TOLD]);

class Quoted extends MapStore {
  override async commit(writes: readonly RowWrite[]): Promise<Versions> {
    const versions = await super.commit(writes);
    return versions && versions.map((version) => version && `W/${version}`);
  }
}
names("that tells versions of which `read` knows nothing", () => new Quoted(), [TOLD, ANOTHER]);

class Sorted extends MapStore {
  override async read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    return await super.read(keys.toSorted());
  }
}
names("that reads in its own order", () => new Sorted(), [ORDER]);

class LeavingOut extends MapStore {
  override async read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    return (await super.read(keys)).filter(({ version }) => version !== null);
  }
}
names("that leaves out what is not there", () => new LeavingOut(), ["A row that was never written", ORDER]);

class Cached extends MapStore {
  readonly cache = new Map<string, StoredRow>();
  override async read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    return (await super.read(keys)).map((row, i) => {
      const cached = this.cache.get(keys[i]!) ?? row;
      this.cache.set(keys[i]!, row);
      return cached;
    });
  }
}
names("that reads from a cache", () => new Cached(), [STALE, ALL_OR_NONE, "`peek` tells what `limit` would"]);

class Narrow extends MapStore {
  override async commit(writes: readonly RowWrite[]): Promise<Versions> {
    if (writes.length > 5) throw new RangeError("too many");
    return await super.commit(writes);
  }
}
names("that takes fewer rows than it says", () => new Narrow(), [ALL_OR_NONE, ORDER], "only");

class Undeleted extends MapStore {
  override remove(): void {}
}
const undeleted = ["A row that is deleted has the version null", AGAIN, "`reset` gives a key its full quota"];
names("that deletes nothing", () => new Undeleted(), undeleted);

test("two stores that each know better what stands on their one database do not pass", async () => {
  const { rows } = new MapStore();
  let writes = 0;
  class KnowingBetter extends MapStore {
    override readonly rows = rows;
    readonly known = new Map<string, string | null>();
    override nextVersion(): string {
      return `${++writes}`;
    }
    override async read(keys: readonly string[]): Promise<readonly StoredRow[]> {
      const rows = await super.read(keys);
      rows.forEach(({ version }, i) => this.known.set(keys[i]!, version));
      return rows;
    }
    override stands({ key, version }: RowWrite): boolean {
      return (this.known.get(key) ?? null) === version;
    }
    override write(write: RowWrite): string | null {
      const version = super.write(write);
      this.known.set(write.key, version);
      return version;
    }
  }
  const { errors } = await failureOf(() => new KnowingBetter());
  const promises = errors.map(({ message }) => message.slice(0, message.indexOf(":")));
  assert.deepEqual(promises, [
    "Two stores on one database see the same rows, and lose no increment of 50 that they make at the same time",
    "Limiters on two stores of one database count as one too",
  ]);
});
