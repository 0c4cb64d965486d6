/** The examples' handlers, given requests as their servers would give them. Each test has addresses and accounts of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { handler as downloads } from "../../examples/downloads.ts";
import { handler as llm } from "../../examples/llm.ts";
import { handler as login } from "../../examples/login.ts";
import { handler as api } from "../../examples/plans.ts";

function from(hostname: string): Deno.ServeHandlerInfo {
  const remoteAddr = { transport: "tcp", hostname, port: 1 } as const;
  // Without `completed`: the body's own end is what frees a slot here.
  return { remoteAddr } as unknown as Deno.ServeHandlerInfo;
}

function times(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** As a server hands it on, which tells the length. */
function post(body: string, headers: Record<string, string> = {}): Request {
  const length = String(new TextEncoder().encode(body).length);
  return new Request("http://localhost/", { method: "POST", body, headers: { "content-length": length, ...headers } });
}

function attempt(name: string, password: string, hostname: string): Promise<number> {
  const body = new URLSearchParams({ name, password }).toString();
  const request = post(body, { "content-type": "application/x-www-form-urlencoded" });
  return Promise.resolve(login(request, from(hostname))).then((response) => response.status);
}

async function inTurn<T>(count: number, act: (i: number) => T): Promise<Awaited<T>[]> {
  const given = [];
  // deno-lint-ignore no-await-in-loop -- in turn
  for (const i of times(count)) given.push(await act(i));
  return given;
}

test("login: the sixth wrong password for an account is not tried, from wherever, nor is the right one then", async () => {
  const wrong = await inTurn(5, (i) => attempt(i % 2 ? "Ada " : "ada", "guess", `192.0.2.${i}`));
  assert.deepEqual(wrong, [401, 401, 401, 401, 401]);
  assert.equal(await attempt("ada", "lovelace", "192.0.2.99"), 429);
  const { ok, retryAfter } = await login.limiter.rule("account").peek("ada");
  assert.equal(ok, false);
  assert.ok(retryAfter > 14 * 60_000 && retryAfter <= 15 * 60_000);
  assert.equal(await attempt("alan", "turing", "192.0.2.99"), 200);
});

test("login: who logs in as often as they like is not counted", async () => {
  assert.deepEqual(new Set(await inTurn(30, () => attempt("alan", "turing", "198.51.100.1"))), new Set([200]));
  assert.equal((await login.limiter.rule("account").peek("alan")).remaining, 5);
  assert.equal((await login.limiter.rule("address").peek("198.51.100.1")).remaining, 20);
});

test("login: a success gives back no failure", async () => {
  await inTurn(3, () => attempt("grace", "guess", "198.51.100.2"));
  assert.equal(await attempt("alan", "turing", "198.51.100.2"), 200);
  assert.equal((await login.limiter.rule("address").peek("198.51.100.2")).remaining, 17);
});

test("login: attempts sent at once are counted too", async () => {
  const statuses = await Promise.all(times(8).map((i) => attempt("edsger", `guess ${i}`, `203.0.113.${i}`)));
  assert.deepEqual(statuses.filter((status) => status === 401).length, 5);
  assert.deepEqual(statuses.filter((status) => status === 429).length, 3);
});

test("login: one address gets 20 guesses, whatever the accounts; forms too long count; the page does not", async () => {
  const page = await login(new Request("http://localhost/"), from("198.51.100.3"));
  assert.match(await page.text(), /<form method="post">/);
  const statuses = await inTurn(20, (i) => attempt(`user ${i}`, i === 7 ? "x".repeat(5000) : "guess", "198.51.100.3"));
  assert.deepEqual(statuses, times(20).map((i) => i === 7 ? 413 : 401));
  assert.equal(await attempt("user 20", "guess", "198.51.100.3"), 429);
  assert.equal((await login.limiter.rule("account").peek("user 20")).remaining, 5);
});

function call(key: string | undefined, hostname = "192.0.2.1"): Response {
  const headers: HeadersInit = key === undefined ? {} : { "x-api-key": key };
  return api(new Request("http://localhost/", { headers }), from(hostname));
}

test("plans: each customer gets what the plan says, from all addresses together", async () => {
  // A few more than 60: one a second comes back, and machines are slow at times.
  const free = times(70).map((i) => call("key-of-ada", `192.0.2.${i}`));
  assert.deepEqual(free.slice(0, 60).map(({ status }) => status), Array(60).fill(200));
  assert.equal(free.at(-1)!.status, 429);
  assert.equal(free[0]!.headers.get("RateLimit-Policy"), '"customer 60/1m";q=60;w=60');
  const paid = call("key-of-alan");
  assert.deepEqual(await paid.json(), { hello: "alan", plan: "paid" });
  assert.equal(
    paid.headers.get("RateLimit-Policy"),
    '"customer 50/1s";q=50;w=1, "customer 20000/1h";q=20000;w=3600',
  );
});

test("plans: who guesses keys is counted by address", () => {
  const guesses = times(11).map((i) => call(i === 0 ? undefined : `key ${i}`, "198.51.100.1"));
  assert.deepEqual(guesses.map(({ status }) => status), [...Array(10).fill(401), 429]);
  assert.equal(call("key-of-alan", "198.51.100.1").status, 200);
});

function forgetAda(): void {
  for (const rule of ["requests", "tokens"]) llm.limiter.rule(rule).reset("ada");
}

function tokensLeft(): number {
  return llm.limiter.rule("tokens").peek("ada").remaining;
}

/** Lets what waits for promises that are settled already go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function ask(prompt: string, key = "key-of-ada"): Promise<Response> {
  return Promise.resolve(llm(post(prompt, { "x-api-key": key })));
}

test("llm: an answer is charged at its estimate, and at what it took when its stream has ended", async () => {
  forgetAda();
  const response = await ask("to be or not to be");
  assert.equal(response.status, 200);
  // 18 bytes are 5 tokens, and 500 for the answer; by the clock some may be back already.
  assert.equal(response.headers.get("RateLimit")?.includes('"tokens 20000/1m";r=19495'), true);
  assert.equal(await response.text(), "to be or not to be ");
  await turn();
  // 6 in and 6 out. What came back with time stands for what this takes.
  assert.ok(tokensLeft() >= 20_000 - 12);
});

test("llm: who leaves pays for what was said; requests that come to nothing pay no tokens", async () => {
  forgetAda();
  const response = await ask("word ".repeat(1600));
  // 2,500 are charged until it is known that 1,600 in and 1 out were used.
  assert.equal(response.headers.get("RateLimit")?.includes('"tokens 20000/1m";r=17500'), true);
  const reader = response.body!.getReader();
  await reader.read();
  await reader.cancel();
  await turn();
  // Some 333 a second come back of themselves.
  const left = tokensLeft();
  assert.ok(left >= 20_000 - 1_601 && left < 19_000, String(left));
  forgetAda();
  assert.equal((await ask("x".repeat(9_000))).status, 413);
  assert.equal(tokensLeft(), 20_000);
});

test("llm: requests sent at once pass only as far as the most that they may take", async () => {
  forgetAda();
  const responses = await Promise.all(times(10).map(() => ask("x".repeat(8_000))));
  assert.deepEqual(responses.map(({ status }) => status), [...Array(8).fill(200), 429, 429]);
  assert.match(
    responses[9]!.headers.get("RateLimit-Policy")!,
    /"requests 30\/1m";q=30;w=60, "tokens 20000\/1m";q=20000;w=60/,
  );
  // Who was denied by one rule is not charged by the other.
  assert.ok(llm.limiter.rule("requests").peek("ada").remaining >= 22);
  assert.equal((await ask("hi", "key-of-alan")).status, 200);
  assert.equal((await ask("hi", "no key")).status, 401);
  await Promise.all(responses.map((response) => response.body?.cancel()));
});

function download(hostname: string): Response {
  return downloads(new Request("http://localhost/file"), from(hostname));
}

test("downloads: three at a time for an address; one that ends or is left makes room", async () => {
  const [first, second, third, fourth] = times(4).map(() => download("192.0.2.1"));
  assert.deepEqual([first, second, third, fourth].map((response) => response!.status), [200, 200, 200, 429]);
  await first!.body!.cancel();
  const fifth = download("192.0.2.1");
  assert.equal(fifth.status, 200);
  assert.equal(download("192.0.2.1").status, 429);
  assert.equal((await second!.arrayBuffer()).byteLength, 160 * 64 * 1024);
  const sixth = download("192.0.2.1");
  assert.equal(sixth.status, 200);
  await Promise.all([third, fifth, sixth].map((response) => response!.body!.cancel()));
  assert.equal(downloads.limiter.rule("everybody").peek("everybody").remaining, 20);
});

test("downloads: twenty at a time for everybody; an address that is denied by that takes no place of its own", async () => {
  const responses = times(24).map((i) => download(`198.51.100.${i % 8}`));
  assert.deepEqual(responses.map(({ status }) => status), [...Array(20).fill(200), ...Array(4).fill(429)]);
  assert.equal(downloads.limiter.rule("address").peek("198.51.100.7").remaining, 1);
  await Promise.all(responses.map((response) => response.body!.cancel()));
  assert.equal(download("198.51.100.7").status, 200);
});
