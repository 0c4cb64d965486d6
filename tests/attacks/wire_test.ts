/** Attacks 46 to 49 over the wire, as a client reads what comes: with `structured-headers` as the independent RFC 9651 parser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseList } from "structured-headers";
import { here, soon } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { limited, plain, statusOf } from "./server.ts";

/** Each line of a header in a response, as it was sent. */
function lines(response: string, name: string): string[] {
  const [head = ""] = response.split("\r\n\r\n");
  return [...head.matchAll(/^([^:\r\n]+): *([^\r\n]*)/gm)].flatMap(([, key, value]) =>
    key!.toLowerCase() === name ? [value!] : []
  );
}

/** The members of a List that may stand in several lines (RFC 9651, section 4.2). */
function members(response: string, name: string): unknown[] {
  return parseList(lines(response, name).join(", ")).map(([value, parameters]) => [
    value,
    Object.fromEntries(parameters),
  ]);
}

for (const on of servers) {
  const { runtime } = on;

  test(`attack 46: names that try to end their line, or their string, stay names, on ${runtime}`, async () => {
    const names = ['a", "b";r=9', "\\", '\\"', '";r=999;x="', "a, b;r=9", "%0d%0aX-Own: 1", "'", "~ "];
    const limit = names.map((name, i) => ({ name, limit: 1, window: `${i + 1}h` }) as const);
    await limited(on, { limit }, async ({ send }) => {
      const responses = [await send(...plain), await send(...plain)];
      assert.deepEqual(responses.map(statusOf), [200, 429]);
      for (const response of responses) {
        assert.equal(lines(response, "x-own").length, 0);
        const policies = names.map((name, i) => [name, { q: 1, w: 3_600 * (i + 1) }]);
        assert.deepEqual(members(response, "ratelimit-policy"), policies);
        assert.deepEqual(members(response, "ratelimit"), names.map((name, i) => [name, { r: 0, t: 3_600 * (i + 1) }]));
      }
      const [, body = ""] = responses[1]!.split("\r\n\r\n");
      assert.deepEqual(
        JSON.parse(body.slice(body.indexOf("{"), body.lastIndexOf("}") + 1))["violated-policies"],
        names,
      );
    });
  });

  const own = { "RateLimit": '"own";r=1;t=2', "RateLimit-Policy": '"own";q=2;w=60', "X-Own": "kept" };
  const answers: Readonly<Record<string, () => Response>> = {
    "a text": () => new Response("whole", { headers: own }),
    "a stream": () => new Response(new Blob(["whole"]).stream(), { headers: own }),
    "a redirect": () => Response.redirect("http://localhost/elsewhere", 307),
    "a 204": () => new Response(null, { status: 204, headers: own }),
    "a 304": () => new Response(null, { status: 304, headers: own }),
    "an error": () => new Response("whole", { status: 418, statusText: "I'm a teapot", headers: own }),
  };
  const same = new Response(null, { status: 205, headers: own });
  // Bun sends the headers of one object once.
  const more = here === "Bun" ? answers : { ...answers, "the same object": () => same };
  for (const [what, answer] of Object.entries(more)) {
    test(`attack 49: ${what} goes out whole, with what the handler said and what the limiter says, on ${runtime}`, async () => {
      const { status, headers } = answer();
      const kept = headers.has("x-own") ? [["own", { r: 1, t: 2 }]] : [];
      await limited(on, { limit: "2/1h" }, async ({ send }) => {
        for (const [r, t] of [[1, 1_800], [0, 3_600]] as const) {
          // deno-lint-ignore no-await-in-loop -- one after the other
          const response = await soon(send(...plain));
          assert.equal(statusOf(response), status);
          assert.deepEqual(members(response, "ratelimit"), [...kept, ["2/1h", { r, t }]]);
          assert.equal(members(response, "ratelimit-policy").length, kept.length + 1);
          assert.deepEqual(lines(response, "x-own"), kept.map(() => "kept"));
          assert.deepEqual(lines(response, "location"), headers.has("location") ? [headers.get("location")] : []);
          assert.equal(response.includes("whole"), what === "a text" || what === "a stream" || what === "an error");
        }
      }, answer);
    });
  }
}
