/** Promises about keys, bytes, expiry and closing, broken: `testStore` has to name them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RowWrite, Store } from "../../src/stores/store.ts";
import { tryStore } from "../../src/testing/test_store.ts";
import { testStore } from "../../testing.ts";
import { failureOf, names } from "./broken_store.ts";
import { MapStore } from "./map_store.ts";

const BYTES = "Bytes come back as they were written";
const STAYS = "A row stays for the whole of its `expireIn`";
const ANEW = "Every write gives a row its `expireIn` anew";

const foldings: Record<string, (key: string) => string> = {
  "folds keys' case": (key) => key.toLowerCase(),
  "trims keys": (key) => key.trim(),
  "cuts keys to 399 characters": (key) => key.slice(0, 399),
  "unescapes keys": (key) => decodeURIComponent(key.replaceAll(/%(?![0-9A-F]{2})/g, "%25")),
  "normalizes slashes": (key) => key.replaceAll(/\/+/g, "/"),
};
for (const [flaw, fold] of Object.entries(foldings)) {
  class Folding extends MapStore {
    override keyOf(key: string): string {
      return fold(key);
    }
  }
  names(`that ${flaw}`, () => new Folding(), ["Keys of up to 400 printable ASCII characters"]);
}

const takings: Record<string, (value: Uint8Array) => Uint8Array> = {
  "writes the whole buffer that bytes stand in": ({ buffer }) => new Uint8Array(buffer.slice(0) as ArrayBuffer),
  "takes bytes for text": (value) => new TextEncoder().encode(new TextDecoder().decode(value)),
  "takes bytes for ASCII": (value) => value.map((byte) => byte & 127),
  "ends at the first zero": (value) => value.slice(0, value.includes(0) ? value.indexOf(0) : undefined),
  "cuts bytes to 4,000": (value) => value.slice(0, 4000),
};
for (const [flaw, take] of Object.entries(takings)) {
  class Taking extends MapStore {
    override takeIn(value: Uint8Array): Uint8Array {
      return take(value);
    }
  }
  names(`that ${flaw}`, () => new Taking(), [BYTES]);
}

class AliasIn extends MapStore {
  override takeIn(value: Uint8Array): Uint8Array {
    return value;
  }
}
const given = "What is stored stays as it is when the bytes that were given to `commit`";
names("that keeps the bytes that it is given", () => new AliasIn(), [given], "only");

class AliasOut extends MapStore {
  override handOut(value: Uint8Array): unknown {
    return value;
  }
}
const handed = "What is stored stays as it is when the bytes that `read` gave";
names("that gives the bytes that it keeps", () => new AliasOut(), [handed], "only");

class Arrays extends MapStore {
  override handOut(value: Uint8Array): unknown {
    return [...value];
  }
}
names("that gives bytes as an array", () => new Arrays(), [BYTES]);

class EndAsLife extends MapStore {
  override lifeOf({ expireIn }: RowWrite): number {
    return expireIn - Date.now();
  }
}
names("that takes `expireIn` for a date", () => new EndAsLife(), [STAYS, ANEW]);

class Life32 extends MapStore {
  override lifeOf({ expireIn }: RowWrite): number {
    return expireIn | 0;
  }
}
names("that keeps `expireIn` in 32 bits", () => new Life32(), [STAYS], "only");

class LifeOnce extends MapStore {
  override write(write: RowWrite): string | null {
    const before = this.find(write.key);
    const version = super.write(write);
    const row = this.rows.get(write.key);
    if (before !== undefined && row !== undefined) this.rows.set(write.key, { ...row, end: before.end });
    return version;
  }
}
names("that sets a row's expiry once", () => new LifeOnce(), [ANEW], "only");

class HalfExpired extends MapStore {
  override stands({ key, version }: RowWrite): boolean {
    return (this.rows.get(key)?.version ?? null) === version;
  }
}
names(
  "that hides rows past their time from `read` only",
  () => new HalfExpired(),
  ["A row past its `expireIn`"],
  "only",
);

class CloseOnce extends MapStore {
  #isClosed = false;
  close(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error("closed already"));
    this.#isClosed = true;
    return Promise.resolve();
  }
}
names("that cannot be closed twice", () => new CloseOnce(), ["`close` may be called twice: closed already"], "only");

test("what is no store does not pass", async () => {
  const { read, commit } = MapStore.prototype;
  const shapes: readonly unknown[] = [null, {}, { read, commit }, { read, commit, description: "x", maxRows: 0 }];
  for (const shape of shapes) {
    // deno-lint-ignore no-await-in-loop -- one after the other
    const { code, message } = await failureOf(() => shape as Store);
    assert.equal(code, "KVOTA_STORE_BROKEN");
    assert.match(message, /\n- It has `read`, `commit`/);
  }
  await assert.rejects(testStore(new MapStore() as never), { name: "TypeError", code: "KVOTA_OPTION_INVALID" });
});

test("a store that cannot be made rejects with the reason", async () => {
  const error = new Error("no such database");
  await assert.rejects(testStore(() => Promise.reject(error)), error);
});

test("a store that never answers is waited for once", async () => {
  const never = () => new Promise<never>(() => {});
  const store = { read: never, commit: never, description: "a black hole", maxRows: 10 };
  const error = await tryStore(() => store, { deadline: 50 }).then(() => null, (error) => error);
  assert.equal(error.code, "KVOTA_STORE_BROKEN");
  assert.equal(error.errors.length, 1);
  assert.match(error.message, /a black hole: .*the others were not tried/);
});
