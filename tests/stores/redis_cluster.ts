// deno-lint-ignore-file no-await-in-loop -- the next look comes after the last one
/** A Redis Cluster of three masters, for the length of a test. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { freePort } from "./free_port.ts";
import { withFolder } from "./kv_file.ts";
import { DURABLE, RedisServer } from "./redis_server.ts";

/** After so long without an answer a node counts as down, in milliseconds. */
const NODE_TIMEOUT = 1_000;

const ARGS = [
  ...["--cluster-enabled", "yes", "--cluster-node-timeout", `${NODE_TIMEOUT}`, "--cluster-require-full-coverage", "no"],
  ...DURABLE,
];

export class RedisCluster {
  readonly nodes: readonly RedisServer[];

  constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  get port(): number {
    return this.nodes[0]!.port;
  }

  /** Resolves once every node knows that all are there. */
  async whole(): Promise<void> {
    for (const node of this.nodes) {
      while (!/state:ok[^]*slots_ok:16384/.test(`${await node.ask("CLUSTER", "INFO")}`)) await pause(50);
    }
  }

  slotOf(key: string): Promise<number> {
    return this.nodes[0]!.ask("CLUSTER", "KEYSLOT", key) as Promise<number>;
  }

  /** The node that has a slot. */
  async masterOf(slot: number): Promise<RedisServer> {
    const ranges = await this.nodes[0]!.ask("CLUSTER", "SLOTS") as [number, number, [string, number]][];
    const [, , [, port]] = ranges.find(([first, last]) => first <= slot && slot <= last)!;
    return this.nodes.find((node) => node.port === port)!;
  }

  /** Moves a slot to another node, key by key; `halfway` is waited for when it is on its way, and some keys are here, some there. */
  async move(slot: number, halfway: () => Promise<void>): Promise<void> {
    const from = await this.masterOf(slot);
    const to = this.nodes.find((node) => node !== from)!;
    const [fromId, toId] = await Promise.all([from, to].map((node) => node.ask("CLUSTER", "MYID"))) as [string, string];
    await to.ask("CLUSTER", "SETSLOT", `${slot}`, "IMPORTING", fromId);
    await from.ask("CLUSTER", "SETSLOT", `${slot}`, "MIGRATING", toId);
    let isHalfway = false;
    for (;;) {
      const [key] = await from.ask("CLUSTER", "GETKEYSINSLOT", `${slot}`, "1") as string[];
      if (key !== undefined) await from.ask("MIGRATE", "127.0.0.1", `${to.port}`, key, "0", "5000");
      if (!isHalfway) await halfway();
      isHalfway = true;
      if (key === undefined) break;
    }
    for (const node of [to, from]) await node.ask("CLUSTER", "SETSLOT", `${slot}`, "NODE", toId);
  }
}

/** Runs a Cluster. */
export async function withCluster(use: (cluster: RedisCluster) => Promise<void>): Promise<void> {
  const nodes: RedisServer[] = [];
  const start = (left: number): Promise<void> =>
    left === 0 ? run() : withFolder(async (folder) => {
      const node = new RedisServer(await freePort(), folder, ARGS);
      nodes.push(node);
      try {
        await node.start();
        await start(left - 1);
      } finally {
        await node.kill();
      }
    });
  const run = async (): Promise<void> => {
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    await promisify(execFile)("redis-cli", ["--cluster", "create", ...addresses, "--cluster-yes"]);
    const cluster = new RedisCluster(nodes);
    await cluster.whole();
    await use(cluster);
  };
  await start(3);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
