/** A store in a Map, which keeps the contract; what is broken in a test is broken by overriding one of its methods. */
import type { RowWrite, Store, StoredRow } from "../../src/stores/store.ts";

export interface MapRow {
  readonly value: Uint8Array;
  readonly version: string;
  readonly end: number;
}

export class MapStore implements Store {
  readonly description: string = "a Map";
  readonly maxRows: number = 10;
  readonly rows: Map<string, MapRow> = new Map();
  writes = 0;

  async read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    await turn();
    return keys.map((key) => {
      const row = this.find(key);
      return row === undefined
        ? { value: null, version: null }
        : { value: this.handOut(row.value), version: row.version };
    });
  }

  async commit(writes: readonly RowWrite[]): Promise<readonly (string | null)[] | null> {
    await turn();
    return writes.every((write) => this.stands(write)) ? writes.map((write) => this.write(write)) : null;
  }

  find(key: string): MapRow | undefined {
    const row = this.rows.get(this.keyOf(key));
    return row === undefined || row.end <= performance.now() ? undefined : row;
  }

  stands({ key, version }: RowWrite): boolean {
    return (this.find(key)?.version ?? null) === version;
  }

  write(write: RowWrite): string | null {
    const key = this.keyOf(write.key);
    if (write.value === null) {
      this.remove(key);
      return null;
    }
    const version = this.nextVersion(this.rows.get(key), write.value);
    this.rows.set(key, { value: this.takeIn(write.value), version, end: performance.now() + this.lifeOf(write) });
    return version;
  }

  keyOf(key: string): string {
    return key;
  }

  takeIn(value: Uint8Array): Uint8Array {
    return value.slice();
  }

  handOut(value: Uint8Array): unknown {
    return value.slice();
  }

  remove(key: string): void {
    this.rows.delete(key);
  }

  nextVersion(_before: MapRow | undefined, _value: Uint8Array): string {
    return `${++this.writes}`;
  }

  lifeOf({ expireIn }: RowWrite): number {
    return expireIn;
  }
}

/** Lets others have their turn, as every real store does. */
export async function turn(): Promise<void> {
  await Promise.resolve();
}
