/** Processes on Deno, Bun and Node that count in one database, and are told what to do. Started from Deno. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ADMITTED, type Answer, type Look, type Looked, type Order, type Place, type Ran, type Run } from "./orders.ts";
import { programOf } from "./programs.ts";

/** What a worker runs on. */
export type Runtime = "Deno" | "Bun" | "Node";

/** What a process runs on, and where it counts. */
export interface Post {
  readonly runtime: Runtime;
  readonly place: Place;
}

/** Four processes are as much as one runtime's tests should start. */
export const skip = "Deno" in globalThis
  ? false
  : "SKIPPED: processes on one database are NOT tested here; the tests on Deno start them on Deno, Bun and Node";

/** Something that has been waited for too long says so, rather than holding up all tests for ever. */
const DEADLINE = 60_000;

const script = fileURLToPath(new URL("worker.ts", import.meta.url));

async function commandOf(runtime: Runtime): Promise<readonly string[]> {
  if (runtime === "Deno") return [process.execPath, "run", "--allow-all", "--unstable-kv"];
  return [await programOf(runtime)];
}

/** Something that was asked of a process. */
interface Asking {
  resolve(answer: Answer["answer"]): void;
  reject(error: Error): void;
}

/** Requests under way, until they are stopped. */
export interface Load {
  /** Resolves when the last of them is answered, and nothing more is owed to the store. */
  stop(): Promise<Ran>;
}

/** One process. */
export class Worker {
  readonly runtime: Runtime;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<readonly unknown[]>;
  readonly #asking = new Map<number, Asking>();
  #errors = "";
  #told = 0;
  #asked = 0;
  #hear: (() => void) | undefined;

  constructor({ runtime, place }: Post, [program = "", ...args]: readonly string[]) {
    this.runtime = runtime;
    this.#child = spawn(program, [...args, script, JSON.stringify(place)], { stdio: "pipe" });
    this.#ended = once(this.#child, "close");
    this.#child.stderr.on("data", (data: Uint8Array) => this.#errors += new TextDecoder().decode(data));
    // Whoever has been killed takes no orders; that it has ended is told below.
    this.#child.stdin.on("error", () => {});
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#read(line));
    void this.#ended.then(() => {
      for (const { reject } of this.#asking.values()) reject(this.#error("ended without an answer"));
    });
  }

  /** Admissions that it has told of. */
  get told(): number {
    return this.#told;
  }

  /** Has requests made. */
  run(run: Run): Promise<Ran> {
    const id = ++this.#asked;
    return this.#inTime(this.#ask<Ran>(id, { id, run }), "make its requests");
  }

  /** Has requests made until they are stopped. */
  start(run: Run): Load {
    const id = ++this.#asked;
    const ran = this.#ask<Ran>(id, { id, run });
    // Told to whoever stops it.
    ran.catch(() => {});
    return {
      stop: () => {
        this.#send({ stop: id });
        return this.#inTime(ran, "end its requests");
      },
    };
  }

  /** Has it look at what is left. */
  look(look: Look): Promise<Looked> {
    const id = ++this.#asked;
    return this.#inTime(this.#ask<Looked>(id, { id, look }), "look at what is left");
  }

  /** Has requests made until the process is killed, and resolves once it has told of so many admissions. */
  runUntilKilled(run: Run, told: number): Promise<void> {
    this.#send({ id: 0, run: { ...run, tells: true } });
    const enough = new Promise<void>((resolve) => {
      this.#hear = () => {
        if (this.#told >= told) resolve();
      };
    });
    return this.#inTime(enough, `tell of ${told} admissions`);
  }

  /** `kill -9`; resolves when the process has ended, and all that it had told has been heard. */
  async kill(): Promise<void> {
    process.kill(this.#child.pid!, "SIGKILL");
    await this.#inTime(this.#ended, "end");
  }

  /** Tells it that nothing more is to come; it must end well. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    const [code] = await this.#inTime(this.#ended, "end");
    assert.equal(code, 0, this.#error("did not end well").message);
  }

  /** Ends it whatever it does, unless it has ended. */
  abandon(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
  }

  #ask<T extends Answer["answer"]>(id: number, order: Order): Promise<T> {
    const answer = new Promise<Answer["answer"]>((resolve, reject) => this.#asking.set(id, { resolve, reject }));
    this.#send(order);
    return answer as Promise<T>;
  }

  #send(order: Order): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  #read(line: string): void {
    if (line === ADMITTED) {
      this.#told++;
      this.#hear?.();
      return;
    }
    const { id, answer } = JSON.parse(line) as Answer;
    this.#asking.get(id)?.resolve(answer);
    this.#asking.delete(id);
  }

  async #inTime<T>(what: Promise<T>, name: string): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#error(`has failed to ${name} in ${DEADLINE} ms`)), DEADLINE);
    try {
      return await Promise.race([what, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #error(what: string): Error {
    return new Error(`The process on ${this.runtime} ${what}: ${this.#errors}`);
  }
}

/** Starts processes on one database, one for each runtime named, for the length of a test. All have it open and are ready when it begins. */
export function withWorkers(
  place: Place,
  runtimes: readonly Runtime[],
  use: (workers: readonly Worker[]) => Promise<void>,
): Promise<void> {
  return withPosts(runtimes.map((runtime) => ({ runtime, place })), use);
}

/** The same, each with a way of its own to the database. */
export async function withPosts(
  posts: readonly Post[],
  use: (workers: readonly Worker[]) => Promise<void>,
): Promise<void> {
  const commands = await Promise.all(posts.map(({ runtime }) => commandOf(runtime)));
  const workers = posts.map((post, i) => new Worker(post, commands[i]!));
  try {
    await runAll(workers, { limit: "1000/1h", apiKey: "nobody's", requests: 32, inFlight: 16, now: 0 });
    await use(workers);
  } finally {
    for (const worker of workers) worker.abandon();
  }
}

/** Has all of them make the same requests, begun at the same time; resolves when the last has made its own. */
export function runAll(workers: readonly Worker[], run: Run): Promise<readonly Ran[]> {
  return Promise.all(workers.map((worker) => worker.run(run)));
}

/** The same in rounds of so many, that all begin together; what came of them, by process. */
export async function inRounds(
  workers: readonly Worker[],
  run: Run & { readonly requests: number },
  round: number,
): Promise<readonly (readonly Ran[])[]> {
  const rounds: (readonly Ran[])[] = [];
  for (let made = 0; made < run.requests; made += round) {
    // deno-lint-ignore no-await-in-loop -- a round begins when the one before has ended
    rounds.push(await runAll(workers, { ...run, requests: round }));
  }
  return workers.map((_, i) => rounds.map((ran) => ran[i]!));
}

/** The sum of a figure over processes. */
export function sum(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0);
}

/** Fails where anything but the store, or what is known of it, has decided, or has given its operator something to think of. */
export function assertShared(rans: readonly Ran[]): void {
  for (const { sources, events } of rans) {
    assert.deepEqual({ memory: sources.memory, fallback: sources.fallback, events }, {
      memory: 0,
      fallback: 0,
      events: [],
    });
  }
}
