/** `withRateLimit` and `rateLimit` on workerd, which runs Cloudflare's Workers: `worker.ts`, as a bundler leaves it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Miniflare } from "miniflare";
import { soon } from "./runtime.ts";
import { onWorkerd } from "./workerd.ts";

const client = { "cf-connecting-ip": "192.0.2.1" };
/** Timers fire up to a millisecond early, and so does a clock that counts whole ones. */
const EARLY = 2;

const worker = fileURLToPath(import.meta.resolve("./worker.ts"));
const bindings = { GREETING: "hi" };

let workerd: Miniflare;
let root: URL;

before(async () => {
  workerd = await onWorkerd(worker, bindings);
  root = await workerd.ready;
});
after(() => workerd.dispose());

async function ask(path: string, headers: Record<string, string> = client): Promise<Response> {
  return await fetch(new URL(path, root), { headers });
}

async function status(path: string, headers?: Record<string, string>): Promise<number> {
  const response = await ask(path, headers);
  await response.text();
  return response.status;
}

/** A POST whose body is sent piece by piece, while its answer is read so. */
class Talk {
  readonly #request: ClientRequest;
  readonly #answer: IncomingMessage;
  readonly #chunks: AsyncIterator<unknown>;

  private constructor(request: ClientRequest, answer: IncomingMessage) {
    this.#request = request;
    this.#answer = answer;
    this.#chunks = answer[Symbol.asyncIterator]();
    // Either side may cut the connection while the other has more to say; who listens hears of it.
    for (const end of [request, answer]) end.on("error", () => {});
  }

  static async open(path: string, text: string): Promise<Talk> {
    const sent = request(new URL(path, root), { method: "POST", headers: client, agent: false });
    sent.write(text);
    const [answer] = await soon(once(sent, "response")) as [IncomingMessage];
    return new Talk(sent, answer);
  }

  get status(): number | undefined {
    return this.#answer.statusCode;
  }

  say(text: string): void {
    this.#request.write(text);
  }

  /** What is answered next; `undefined` at the end. */
  async hear(): Promise<string | undefined> {
    const { done, value } = await soon(this.#chunks.next());
    return done ? undefined : String(value);
  }

  end(): void {
    this.#request.end();
  }

  leave(): void {
    this.#request.destroy();
  }
}

test("withRateLimit() on workerd hands env and context on, and tells the state", async () => {
  const response = await ask("/given");
  assert.equal(await response.text(), "hi");
  assert.equal(response.headers.get("ratelimit-policy"), '"2/1h";q=2;w=3600');
  assert.equal(response.headers.get("ratelimit"), '"2/1h";r=1;t=1800');
});

test("withRateLimit() on workerd needs neither store nor clock", async () => {
  assert.deepEqual([await status("/default"), await status("/default"), await status("/default")], [200, 200, 429]);
});

test("withRateLimit() on workerd lets 10 of 30 parallel requests through, and answers the others with a problem", async () => {
  const responses = await Promise.all(Array.from({ length: 30 }, () => ask("/counted")));
  const denied = responses.filter((response) => response.status === 429);
  assert.equal(responses.filter((response) => response.status === 200).length, 10);
  assert.equal(denied.length, 20);
  const [first] = denied;
  assert.equal(first!.headers.get("content-type"), "application/problem+json");
  assert.equal(first!.headers.get("retry-after"), "360");
  assert.equal(first!.headers.get("cache-control"), "no-store");
  assert.deepEqual((await first!.json())["violated-policies"], ["10/1h"]);
});

test("byIp() on workerd counts by CF-Connecting-IP, IPv6 by its /64", async () => {
  const from = (address: string): Promise<number> => status("/counted", { "cf-connecting-ip": address });
  await Promise.all(Array.from({ length: 10 }, () => from("192.0.2.7")));
  await Promise.all(Array.from({ length: 10 }, (_, i) => from(`2001:db8::${i}`)));
  assert.deepEqual([await from("192.0.2.7"), await from("192.0.2.8")], [429, 200]);
  assert.deepEqual([await from("2001:db8::ffff"), await from("2001:db8:0:1::1")], [429, 200]);
});

test("withRateLimit() on workerd streams both ways", async () => {
  const talk = await Talk.open("/stream", "one");
  assert.equal(talk.status, 200);
  assert.equal(await talk.hear(), "one");
  talk.say("two");
  assert.equal(await talk.hear(), "two");
  talk.end();
  assert.equal(await talk.hear(), undefined);
});

for (const path of ["/slots", "/hono/slots"]) {
  test(`a slot on workerd is held while ${path} streams, and free when that has ended`, async () => {
    const talk = await Talk.open(path, "one");
    assert.equal(await talk.hear(), "one");
    const denied = await Talk.open(path, "two");
    assert.equal(denied.status, 429);
    denied.leave();
    talk.end();
    assert.equal(await talk.hear(), undefined);
    const freed = await ask(`${path}/free`);
    assert.equal(await soon(freed.text()), "waitingfree");
  });

  test(`a slot on workerd is freed when the client of ${path} leaves half-way`, async () => {
    const talk = await Talk.open(path, "one");
    assert.equal(await talk.hear(), "one");
    const other = await Talk.open(`${path}/free`, "");
    assert.equal(await other.hear(), "waiting");
    talk.leave();
    assert.equal(await other.hear(), "free");
    other.leave();
  });
}

test("a leaky bucket on workerd lets requests in one after the other", async () => {
  const starts = await Promise.all([1, 2, 3].map(async () => Number(await (await ask("/queue")).text())));
  assert.ok(Math.max(...starts) - Math.min(...starts) >= 2 * 20 - EARLY, `they started at ${starts}`);
});

test("withRateLimit() on workerd leaves an error to the runtime and keeps the charge", async () => {
  assert.deepEqual([await status("/throws"), await status("/throws")], [500, 429]);
});

test("a limiter on workerd tells once that its memory is one isolate's", async () => {
  const told = await (await ask("/misconfigured")).text();
  assert.match(told, /^KVOTA_MEMORY_ISOLATED(,KVOTA_MEMORY_ISOLATED)*$/);
  assert.equal(await (await ask("/misconfigured")).text(), "");
});

test("rateLimit() on workerd limits a route of Hono", async () => {
  const first = await ask("/hono");
  assert.equal(await first.text(), "hi");
  assert.equal(first.headers.get("ratelimit"), '"2/1h";r=1;t=1800');
  assert.deepEqual([await status("/hono"), await status("/hono")], [200, 429]);
});

test("withRateLimit() runs on workerd of a date when nothing told of garbage", async () => {
  const older = await onWorkerd(worker, bindings, "2024-01-01");
  try {
    const url = await older.ready;
    const statuses = ["/given", "/default", "/slots", "/misconfigured"].map(async (path) => {
      const response = await fetch(new URL(path, url), { headers: client });
      await response.text();
      return response.status;
    });
    assert.deepEqual(await Promise.all(statuses), [200, 200, 200, 200]);
  } finally {
    await older.dispose();
  }
});
