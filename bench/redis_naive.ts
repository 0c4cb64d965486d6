/**
 * What one would write against Redis without kvota: a script for each request that reads a token bucket, decides, and writes it with an expiry.
 *
 * The steps are those of `@upstash/ratelimit`'s token bucket: `HMGET`, `HSET`, `PEXPIRE`.
 */
import type { RunCommand } from "./redis_clients.ts";

/** In milliseconds, so that levels are counted in them: a unit weighs the time in which it comes back. */
const DAY = 86_400_000;

const SCRIPT = `local row = redis.call('HMGET', KEYS[1], 'level', 'at')
local now, unit, capacity = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local level = 0
if row[1] then level = math.max(0, tonumber(row[1]) - (now - tonumber(row[2]))) end
if level + unit > capacity then return -1 end
redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level + unit), 'at', ARGV[1])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', level + unit))
return 1`;

const PEEK = `local row = redis.call('HMGET', KEYS[1], 'level', 'at')
return row[1] and string.format('%.0f', math.max(0, tonumber(row[1]) - (tonumber(ARGV[1]) - tonumber(row[2])))) or '0'`;

/** A token bucket of `burst` units that refills `perDay` a day; `perDay` divides a day's milliseconds. */
export class NaiveRedisLimiter {
  readonly #run: RunCommand;
  readonly #sha: string;
  readonly #unit: number;
  readonly #capacity: number;

  private constructor(run: RunCommand, sha: string, perDay: number, burst: number) {
    this.#run = run;
    this.#sha = sha;
    this.#unit = DAY / perDay;
    this.#capacity = burst * this.#unit;
  }

  static async open(run: RunCommand, perDay: number, burst: number): Promise<NaiveRedisLimiter> {
    return new NaiveRedisLimiter(run, String(await run(["SCRIPT", "LOAD", SCRIPT])), perDay, burst);
  }

  /** Charges one unit if there is one. */
  async limit(key: string): Promise<boolean> {
    const args = [`naive:${key}`, `${Date.now()}`, `${this.#unit}`, `${this.#capacity}`];
    return await this.#run(["EVALSHA", this.#sha, "1", ...args]) === 1;
  }

  /** Units left. */
  async remaining(key: string): Promise<number> {
    const level = await this.#run(["EVAL", PEEK, "1", `naive:${key}`, `${Date.now()}`]);
    return Math.floor((this.#capacity - Number(level)) / this.#unit);
  }
}
