/** What breaks on either side, and what the other is told. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { exchange, overTcp, statusOf } from "../attacks/server.ts";
import { freePort } from "../stores/free_port.ts";
import { askAndLeave, soon } from "../runtimes/runtime.ts";
import { add, inFrontOf, withRawUpstream, withUpstream } from "./world.ts";

const get = ["GET / HTTP/1.1", "Host: a"];
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers requests without a body, by their number. */
function byTurn(answer: (socket: Socket, turn: number) => void): (socket: Socket) => void {
  let turn = 0;
  return (socket) => void socket.on("data", () => answer(socket, ++turn));
}

add("an upstream that is down is 502, as problem details, and told to who runs it", async () => {
  await inFrontOf(await freePort(), {}, async ({ url, failures }) => {
    const response = await fetch(url);
    assert.equal(response.status, 502);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.match(response.headers.get("ratelimit")!, /r=99/);
    const { status, title } = await response.json();
    assert.deepEqual([status, title], [502, "Bad Gateway"]);
    assert.deepEqual(failures.map((failure) => failure.event), ["upstream-failed"]);
  });
});

add("an upstream that says nothing is 504, and its connection closed", async () => {
  const gone = Promise.withResolvers<unknown>();
  await withRawUpstream({ timeout: 100 }, (socket) => socket.resume().on("close", gone.resolve), async ({ url }) => {
    const answer = await exchange(url, get);
    assert.equal(statusOf(answer), 504);
    assert.match(answer, /application\/problem\+json/);
    await soon(gone.promise);
  });
});

add("a client that does not send the rest of its request is 408", async () => {
  await withRawUpstream({ timeout: 100 }, (socket) => void socket.resume(), async ({ url }) => {
    const answer = await overTcp(
      url,
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n\r\nabc",
    );
    assert.equal(statusOf(answer), 408);
  });
});

for (
  const [name, said] of [
    ["closes the connection", ""],
    ["speaks no HTTP", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["answers with a status that is none", "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"],
    ["answers with status 0", "HTTP/1.1 000 What\r\nContent-Length: 0\r\n\r\n"],
    ["answers with two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    ["switches protocols unasked", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"],
    ["has endless headers", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(20_000)}\r\n\r\n`],
  ] as const
) {
  add(`an upstream that ${name} is 502`, async () => {
    await withRawUpstream({}, (socket) => socket.on("data", () => socket.end(said)), async ({ url, failures }) => {
      assert.equal(statusOf(await soon(exchange(url, get))), 502);
      assert.equal(failures.length, 1);
      assert.equal(statusOf(await soon(exchange(url, get))), 502, "it serves on");
    });
  });
}

add("whatever bytes stand in an answer's headers, they are passed on or 502, and it serves on", async () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const said = bytes.flatMap((byte) => [`X: ${byte}`, `X${byte}Y: Z`]);
  const speak = byTurn((socket, turn) => {
    const lines = `HTTP/1.1 200 ${bytes[turn % 256]}\r\n${
      said[turn - 1]
    }\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
    socket.end(lines, "latin1");
  });
  await withRawUpstream({ limits: ["1000/1h"] }, speak, async ({ url }) => {
    const seen = new Set<number>();
    for (const _ of said) {
      // deno-lint-ignore no-await-in-loop -- in turn
      seen.add(statusOf(await soon(exchange(url, get))));
    }
    assert.deepEqual([...seen].sort(), [200, 502]);
  });
});

for (
  const [name, head] of [
    ["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"],
    ["in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
  ] as const
) {
  add(`an answer ${name} that breaks off does so for the client`, async () => {
    await withRawUpstream({}, (socket) => socket.on("data", () => socket.end(head)), async ({ url, failures }) => {
      const response = await fetch(url);
      assert.equal(response.status, 200);
      await assert.rejects(soon(response.text()), (error: Error) => !error.message.startsWith("Cannot wait"));
      assert.equal(failures.length, 1);
    });
  });
}

add("an answer that is reset breaks off too, is told once, and not asked for again", async () => {
  const asked: Socket[] = [];
  const speak = (socket: Socket): void => {
    socket.on(
      "data",
      () => asked.push(socket) === 1 ? socket.write(OK) : socket.write(OK.replace("Length: 2", "Length: 9")),
    );
  };
  await withRawUpstream({}, speak, async ({ url, failures }) => {
    await exchange(url, get);
    const reader = (await fetch(url)).body!.getReader();
    await reader.read();
    asked[1]!.resetAndDestroy();
    await assert.rejects(soon(reader.read()), (error: Error) => !error.message.startsWith("Cannot wait"));
    assert.equal(statusOf(await exchange(url, ["HEAD / HTTP/1.1", "Host: a"])), 200, "it serves on");
    assert.equal(failures.length, 1);
    assert.equal(asked.length, 3);
  });
});

add("a client that goes takes its request along, on a new connection and on one that was kept", async () => {
  const arrivals: (() => void)[] = [];
  const departures: (() => void)[] = [];
  const events = (list: (() => void)[]): Promise<void> => soon(new Promise((resolve) => list.push(resolve)));
  let turns = 0;
  const speak = (socket: Socket): void => {
    socket.on("data", (data) => {
      turns++;
      if (String(data).startsWith("GET /kept")) socket.write(OK);
      else arrivals.pop()?.();
    });
    socket.on("close", () => departures.pop()?.());
  };
  await withRawUpstream({}, speak, async ({ url, failures }) => {
    for (const isKept of [false, true]) {
      // deno-lint-ignore no-await-in-loop -- in turn
      if (isKept) await exchange(url, ["GET /kept HTTP/1.1", "Host: a"]);
      const [arrived, departed] = [events(arrivals), events(departures)];
      const leave = askAndLeave(url);
      // deno-lint-ignore no-await-in-loop -- in turn
      await arrived;
      leave();
      // deno-lint-ignore no-await-in-loop -- in turn
      await departed;
    }
    assert.equal(statusOf(await exchange(url, ["GET /kept HTTP/1.1", "Host: a"])), 200);
    assert.equal(turns, 4, "nothing was asked again");
    assert.deepEqual(failures, []);
  });
});

add("a client that goes in the middle of its body takes the request along", async () => {
  const arrived = Promise.withResolvers<void>();
  const departed = Promise.withResolvers<unknown>();
  const speak = (socket: Socket): void => {
    socket.on("data", (data) => String(data).includes("half") && arrived.resolve()).on("close", departed.resolve);
  };
  await withRawUpstream({}, speak, async ({ url }) => {
    const client = connect(Number(new URL(url).port), "127.0.0.1");
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    await soon(arrived.promise);
    client.destroy();
    await soon(departed.promise);
  });
});

add("a kept connection that turns out dead: what may be is asked again, once, and POST is not", async () => {
  const turns: number[] = [];
  const speak = byTurn((socket, turn) => {
    turns.push(turn);
    // The second on a connection finds it closed; the third is the repetition.
    if (turn % 3 === 2) socket.destroy();
    else socket.write(OK);
  });
  await withRawUpstream({}, speak, async ({ url }) => {
    assert.deepEqual([statusOf(await exchange(url, get)), statusOf(await exchange(url, get))], [200, 200]);
    assert.deepEqual(turns, [1, 2, 3]);
    assert.equal(statusOf(await exchange(url, get)), 200);
    assert.equal(statusOf(await exchange(url, ["POST / HTTP/1.1", "Host: a"])), 502);
    assert.deepEqual(turns, [1, 2, 3, 4, 5]);
  });
});

add("an upstream that refuses a body before its end is heard", async () => {
  const speak = (socket: Socket): void => {
    socket.once("data", () => socket.end("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  };
  await withRawUpstream({}, speak, async ({ url, failures }) => {
    const body = "x".repeat(5_000_000);
    const answer = await soon(
      overTcp(url, `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    );
    assert.equal(statusOf(answer), 413);
    assert.deepEqual(failures, []);
  });
});

add("who is denied is heard out for a while, and cut off then", async () => {
  await withUpstream({ limits: ["1/1h"] }, async ({ url }, asked) => {
    await exchange(url, get);
    const answer = await soon(overTcp(url, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc"));
    assert.equal(statusOf(answer), 429);
    assert.equal(asked.length, 1);
  });
});

add("stopping answers what is in flight, and takes no more", async () => {
  const arrived = Promise.withResolvers<Socket>();
  await withRawUpstream({}, (socket) => socket.on("data", () => arrived.resolve(socket)), async ({ url, stop }) => {
    const answer = exchange(url, ["GET / HTTP/1.1", "Host: a"]);
    const socket = await soon(arrived.promise);
    const stopped = stop();
    await assert.rejects(fetch(url));
    socket.write(OK);
    assert.equal(statusOf(await soon(answer)), 200);
    await soon(stopped);
  });
});
