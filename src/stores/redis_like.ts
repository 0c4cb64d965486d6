/** The part of Redis clients that is used: running a script over keys. They are told apart by what they can do. */

/** What node-redis gives a script. See {@linkcode redisStore}. */
export interface ScriptInput {
  /** Its `KEYS`. */
  keys: string[];
  /** Its `ARGV`. */
  arguments: string[];
}

/** How node-redis runs scripts: on one server, from a pool, behind Sentinel, or on a Cluster. See {@linkcode redisStore}. */
export interface NodeRedisLike {
  /** Runs a script. */
  eval(script: string, input: ScriptInput): Promise<unknown>;
  /** Runs a script that the server knows. */
  evalSha(sha1: string, input: ScriptInput): Promise<unknown>;
}

/** How ioredis runs any command: on one server or on a Cluster. See {@linkcode redisStore}. */
export interface IoRedisLike {
  /** Runs a command. */
  call(command: string, args: string[]): Promise<unknown>;
}

/** How Bun's `RedisClient` runs any command. See {@linkcode redisStore}. */
export interface BunRedisLike {
  /** Runs a command. */
  send(command: string, args: string[]): Promise<unknown>;
}

/** A client of Redis or Valkey: node-redis, ioredis, Bun's own, or what runs scripts as one of these does. See {@linkcode redisStore}. */
export type RedisLike = NodeRedisLike | IoRedisLike | BunRedisLike;

/** Runs a script, given as its text or as that text's SHA-1. */
export type ScriptRunner = (
  command: "EVAL" | "EVALSHA",
  script: string,
  keys: readonly string[],
  args: readonly string[],
) => Promise<unknown>;

/** How a client runs scripts; `undefined` for what is no client. */
export function scriptRunner(client: unknown): ScriptRunner | undefined {
  if (can<NodeRedisLike>(client, "eval", "evalSha")) {
    return (command, script, keys, args) => {
      const input = { keys: [...keys], arguments: [...args] };
      return command === "EVAL" ? client.eval(script, input) : client.evalSha(script, input);
    };
  }
  if (can<IoRedisLike>(client, "call")) {
    return (command, script, keys, args) => client.call(command, [script, `${keys.length}`, ...keys, ...args]);
  }
  if (can<BunRedisLike>(client, "send")) {
    return (command, script, keys, args) => client.send(command, [script, `${keys.length}`, ...keys, ...args]);
  }
  return undefined;
}

/** Whether a client speaks to a Cluster: ioredis says so, node-redis can tell its nodes apart. */
export function isCluster(client: RedisLike): boolean {
  return (client as { readonly isCluster?: unknown }).isCluster === true ||
    can<{ nodeClient(): unknown }>(client, "nodeClient");
}

function can<T extends object>(client: unknown, ...methods: readonly (keyof T)[]): client is T {
  return typeof client === "object" && client !== null &&
    methods.every((method) => typeof (client as T)[method] === "function");
}
