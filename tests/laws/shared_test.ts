/** The laws of the contract through the stores that there are here. */
import { test } from "node:test";
import { denoKvStore, type KvLike, type Store } from "../../mod.ts";
import { GroupStore } from "../conformance/group_store.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { laws } from "./shared_laws.ts";

interface Place {
  readonly name: string;
  readonly runs: number;
  readonly store: Store;
}

const { Deno } = globalThis as { Deno?: { openKv?: (path: string) => Promise<KvLike> } };
const places: Place[] = [
  { name: "a store in a map", runs: 100, store: new FaultyStore() },
  { name: "a map that commits groups", runs: 30, store: new GroupStore() },
];
if (Deno?.openKv === undefined) {
  test("SKIPPED: the laws through Deno KV", { skip: "needs Deno with --unstable-kv" }, () => {});
} else {
  places.push({ name: "Deno KV", runs: 30, store: denoKvStore(":memory:") });
}

for (const { name, runs, store } of places) {
  for (const { rule, law, check } of laws) test(`${rule} in ${name}: ${law}`, () => check(store, runs));
}
