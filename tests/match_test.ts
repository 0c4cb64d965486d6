/** Which requests a rule is for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Hono } from "hono";
import { kvotaError } from "../src/errors.ts";
import { canonicalPath, checkMatched, compileMatch } from "../src/match.ts";
import { anyCharacter } from "./fuzz/characters.ts";

/** A request as servers make it, whose URL may be one that `new Request` refuses or rewrites. */
function served(url: string, method = "GET"): Request {
  return { url, method, headers: new Headers() } as Request;
}

function matches(match: unknown, path: string, method?: string): unknown {
  return compileMatch(match)(served(`http://localhost:8000${path}`, method));
}

function assertMatches(match: string, paths: readonly string[]): void {
  for (const path of paths) assert.equal(matches(match, path), true, `${match} is for ${path}`);
}

function assertMisses(match: string, paths: readonly string[]): void {
  for (const path of paths) assert.equal(matches(match, path), false, `${match} is not for ${path}`);
}

/** What paths are misspelt with. */
const tokens = [
  ..."/\\.%?#:*;@ \t\0aA1~é",
  "//",
  "/./",
  "/../",
  "%2e",
  "%2F",
  "%5c",
  "%25",
  "%41",
  "%ff",
  "%c3%a9",
  "%C3",
  "%e0%80%80",
  "%ed%a0%80",
  "%f4%90%80%80",
  "%zz",
  "login",
  "Login",
  "lo%67in",
  "api",
  "users",
  "Σς",
  "İ",
  "ẞ",
];
const nasty = fc.string({
  unit: fc.oneof(fc.constantFrom(...tokens), fc.string({ unit: anyCharacter, maxLength: 1 })),
});

test("a path is for itself alone", () => {
  assertMatches("/login", ["/login", "/login?next=/", "/login?", "/login#top", "/login?/other"]);
  assertMisses("/login", [
    "/",
    "",
    "/logi",
    "/logins",
    "/login/x",
    "/x/login",
    "/?/login",
    "/#/login",
    "/log/in",
    "/?x=/login",
  ]);
  assertMatches("/", ["/", "", "?q=1", "//", "/.", "/x/.."]);
  assertMisses("/", ["/a", "/%20", "/%2F"]);
});

test("any spelling of a path is that path", () => {
  assertMatches("/login", [
    "/login/",
    "//login",
    "///login//",
    "/lo%67in",
    "/%6C%6f%67%69%6E",
    "/LOGIN",
    "/lO%47iN/",
    "/./login",
    "/login/.",
    "/x/../login",
    "/x/%2e%2E/login",
    "/login/x/..",
    "/../../login",
    "\\login",
    "/\\login",
    "/x\\..\\login\\",
    "/lo\tgin",
    "/lo\r\ngin",
  ]);
  for (const path of ["/login", "/login/", "//login", "/lo%67in", "/LOGIN", "/./login", "/x/../login", "/\\login"]) {
    assert.equal(compileMatch("/login")(new Request(`http://localhost${path}`)), true, path);
  }
});

test("a pattern may be spelt otherwise too", () => {
  assertMatches("/LO%67in", ["/login"]);
  assertMatches("/café", ["/café", "/caf%C3%A9", "/CAF%c3%89", "/CAFÉ"]);
  assertMatches("/caf%c3%a9", ["/café", "/CAFÉ/"]);
  assertMatches("/ΟΔΟΣ", ["/οδος", "/οδοσ", "/%ce%bf%ce%b4%ce%bf%cf%82"]);
  assertMatches("/straße", ["/STRASSE", "/STRAẞE"]);
  assertMatches("/%F0%9F%8D%AA", ["/🍪"]);
  assertMatches("/@me", ["/%40me", "/@ME"]);
  assertMatches("/a%20b", ["/a b", "/a%20b"]);
});

test("what the grammar keeps for itself is written as an escape", () => {
  assertMatches("/a%2Ab", ["/a*b", "/a%2ab"]);
  assertMatches("/v1/messages%3Abatch", ["/v1/messages:batch", "/v1/messages%3abatch"]);
  assertMatches("/%3Aid", ["/:id"]);
  assertMisses("/%3Aid", ["/7"]);
  assertMatches("/what%3F", ["/what%3f"]);
  assertMatches("/c%23", ["/C%23"]);
});

test("an escaped slash or backslash stands inside a segment", () => {
  assertMatches("/a%2Fb", ["/a%2fb", "/A%2FB"]);
  assertMisses("/a%2Fb", ["/a/b", "/a%5Cb"]);
  assertMisses("/a/b", ["/a%2Fb", "/a%5Cb"]);
  assertMatches("/a/:id", ["/a/b%2Fc", "/a/b%5cc", "/a/%2F", "/a/b\\c"]);
  assertMatches("/a%5Cb", ["/a%5cb", "/a\\b"]);
});

test("escapes that are malformed are plain text", () => {
  assertMatches("/100%", ["/100%", "/100%25"]);
  assertMatches("/100%25", ["/100%", "/100%25"]);
  assertMatches("/%zz", ["/%zz", "/%ZZ", "/%25zz"]);
  assertMatches("/a%ff", ["/%61%FF", "/a%25ff"]);
  assertMatches("/caf%C3", ["/caf%c3"]);
  assertMisses("/A", ["/%2541", "/%25%34%31", "/%", "/%4", "/%4g"]);
  // Overlong forms, surrogates, beyond the last code point, cut short.
  for (
    const bad of [
      "%c0%af",
      "%c1%81",
      "%e0%80%af",
      "%ed%a0%80",
      "%f0%80%80%80",
      "%f4%90%80%80",
      "%f5%80%80%80",
      "%e2%82",
    ]
  ) {
    assertMatches("/:any", [`/${bad}`]);
    assertMisses("/x", [`/x${bad}`, `/x/${bad}`]);
    assert.equal(canonicalPath(`/${bad}`), `/${bad.replaceAll("%", "%25").toUpperCase()}`);
  }
});

test("escapes of every character are that character", () => {
  for (let code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 97) {
    const character = String.fromCodePoint(code);
    if ("/\\".includes(character) || !character.isWellFormed()) continue;
    assert.equal(canonicalPath(`/${encodeURIComponent(character)}`), canonicalPath(`/${character}`), code.toString(16));
  }
});

test(":name is any one segment", () => {
  const posts = "/users/:id/posts";
  assertMatches(posts, [
    "/users/7/posts",
    "/users/%20/posts",
    "/users/é/posts/",
    "/USERS/*/posts",
    "/users//7//posts",
    "/users/%0A/posts",
  ]);
  assertMisses(posts, [
    "/users/posts",
    "/users//posts",
    "/users/7",
    "/users/7/8/posts",
    "/users/7/posts/1",
  ]);
  assertMatches("/:a/:b_2", ["/x/y"]);
  assertMisses("/:a", ["/", "/x/y"]);
});

test("a last * is what is beneath, and what it is beneath", () => {
  assertMatches("/api/*", ["/api", "/api/", "/api/a", "/api/a/b/", "/API//a", "/api/%0A/b", "/x/../api/a", "/api?x"]);
  assertMisses("/api/*", ["/", "/apis", "/apis/a", "/x/api", "/api%2Fa"]);
  assertMatches("/*", ["/", "", "/a", "/a/b", "*"]);
  assertMatches("/users/:id/*", ["/users/7", "/users/7/", "/users/7/posts/1"]);
  assertMisses("/users/:id/*", ["/users", "/users/"]);
});

test("characters that regular expressions know are plain", () => {
  const text = "/a.b+(c)[d]{2}|$^!-_~,;='&@\"<>`";
  assertMatches(text, [text, text.toUpperCase()]);
  assertMisses("/a.b", ["/axb"]);
  assertMisses("/a|b", ["/a", "/b"]);
  assertMisses("/(a)", ["/a"]);
});

test("methods are those named, and HEAD where GET is", () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    "/x": ["GET", "HEAD", "POST", "OPTIONS", "QUERY", "patch"],
    "GET /x": ["GET", "HEAD", "get"],
    "HEAD /x": ["HEAD"],
    "GET,HEAD /x": ["GET", "HEAD", "get"],
    "POST /x": ["POST", "post"],
    "GET,POST /x": ["GET", "HEAD", "POST", "get", "post"],
    "M-SEARCH,PATCH  /x": ["M-SEARCH", "PATCH", "patch"],
  };
  const methods = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "OPTIONS",
    "QUERY",
    "PATCH",
    "M-SEARCH",
    "get",
    "post",
    "patch",
    "GETS",
  ];
  for (const [match, expected] of Object.entries(cases)) {
    for (const method of methods) {
      const wanted = match === "/x" || expected.includes(method);
      assert.equal(matches(match, "/x", method), wanted, `${match} for ${method}`);
      assert.equal(matches(match, "/y", method), false);
    }
  }
});

test("headers that claim another method are not believed", () => {
  const headers = { "x-http-method-override": "GET", "x-http-method": "GET", "x-method-override": "GET" };
  const request = new Request("http://localhost/x", { method: "POST", headers });
  assert.equal(compileMatch("POST /x")(request), true);
  assert.equal(compileMatch("GET /x")(request), false);
});

test("a URL is read as it is written too, as some routers do", () => {
  assertMatches("/api/*", ["/api/../x", "/api/%2e%2e/x", "/api/./.."]);
  assertMatches("/x", ["/api/../x"]);
  assertMatches("/users/:id", ["/users/..", "/users/.", "/users/a\\b"]);
});

test("whatever stands in Host, the path counts", () => {
  // As Deno hands them on, and Bun, which leaves what is broken away.
  const hosts = ["a b", "a?", "a#", "a\\", "a\\b", "%", "a:99999", "u@h", "[", "", "<", "a^b"];
  const urls = hosts.map((host) => `http://${host}/login`);
  urls.push("/login", "//login", "/lo%67in?x", "/x/../login", "http://a b/x/../login", "http://a b/LOGIN?x=/y#z");
  urls.push("HTTP://h/login", "http://foreign/login");
  urls.push("http+unix://%2Ftmp%2Fsocket/login");
  for (const url of urls) assert.equal(compileMatch("/login")(served(url)), true, url);
  for (const url of ["http://a b/", "http://a b", "http://a b?q", "/", "", "?", "http://"]) {
    assert.equal(compileMatch("/")(served(url)), true, url);
    assert.equal(compileMatch("/login")(served(url)), false, url);
  }
  assert.equal(compileMatch("/*")(served("http://localhost/*", "OPTIONS")), true);
});

test("an object that tests URLs is asked about the URL as it stands", () => {
  assert.equal(matches(/\/log[a-z]+$/i, "/Login"), true);
  assert.equal(matches(/\/login$/, "/login?"), false);
  const asked: string[] = [];
  const tester = {
    answer: true,
    test(url: string): boolean {
      asked.push(url);
      return this.answer;
    },
  };
  assert.equal(matches(tester, "/a/../b?c#d"), true);
  assert.deepEqual(asked, ["http://localhost:8000/a/../b?c#d"]);
  tester.answer = false;
  assert.equal(matches(tester, "/"), false);
});

test("a URL that does not parse fits whatever tests URLs", () => {
  for (const url of ["http://a b/other", "/other", ""]) assert.equal(compileMatch(/login/)(served(url)), true, url);
  assert.equal(compileMatch(/login/)(served("http://localhost/other")), false);
});

test("a URLPattern tests URLs", { skip: !("URLPattern" in globalThis) }, () => {
  const match = new URLPattern({ pathname: "/users/:id(\\d+)" });
  assert.equal(matches(match, "/users/7"), true);
  assert.equal(matches(match, "/x/../users/7?a"), true);
  assert.equal(matches(match, "/users/me"), false);
  assert.equal(compileMatch(match)(served("http://a b/users/me")), true);
});

test("a function is used as it is", async () => {
  const later = (request: Request, allowed: boolean) => Promise.resolve(allowed && request.method === "GET");
  const match = compileMatch(later);
  assert.equal(match, later);
  assert.equal(await match(served("http://localhost/"), true), true);
  assert.equal(await match(served("http://localhost/"), false), false);
});

test("only true and false are answers", () => {
  assert.equal(checkMatched(true), true);
  assert.equal(checkMatched(false), false);
  for (
    const [value, shown] of [[undefined, "undefined"], [null, "null"], [1, "1"], ["", '""'], [[], "[]"], [
      () => true,
      "a function",
    ]]
  ) {
    const message = `Cannot match requests: match must give true or false, received ${shown}`;
    const { message: expected } = kvotaError("TypeError", "KVOTA_MATCH_INVALID", message);
    assert.throws(() => checkMatched(value), { name: "TypeError", code: "KVOTA_MATCH_INVALID", message: expected });
  }
  assert.throws(() => checkMatched(Promise.resolve(true)), {
    code: "KVOTA_MATCH_INVALID",
    message: /received a Promise\. See /,
  });
});

test("a mistake in the text is pointed at", () => {
  const cases: Readonly<Record<string, readonly [at: number, message: RegExp]>> = {
    "": [1, /expected a method or "\/" at/],
    "login": [1, /expected a method or "\/" at/],
    " /login": [1, /received " "\. See /],
    "*": [1, /received "\*"\. See /],
    "* /login": [1, /received "\*"\. See /],
    "post /login": [1, /received "post"\. See /],
    "Post /login": [2, /expected a space at/],
    "https://h/login": [1, /expected a method/],
    "POST": [5, /expected a space at .* the end\. See /],
    "POST/login": [5, /expected a space at/],
    "POST ": [6, /expected "\/" at .* the end\. See /],
    "POST login": [6, /expected "\/" at .* "login"\. See /],
    "POST\t/login": [5, /expected a space at/],
    "GET,": [5, /expected a method at/],
    "GET, POST /x": [5, /expected a method at/],
    ",GET /x": [1, /expected a method/],
    "GET,,POST /x": [5, /expected a method at .* ",POST"\. See /],
    "GET,POST,GET /x": [10, /expected each method once at/],
    "GET POST /x": [5, /expected "\/" at/],
    "//": [2, /expected a segment.* at .* "\/"\. See /],
    "//login": [2, /expected a segment/],
    "/a//b": [4, /expected a segment/],
    "/login/": [8, /expected a segment.* the end\. See /],
    "/a b": [3, /expected "\/" at .* " "\. See /],
    "/a ": [3, /expected "\/" at/],
    "/\n": [2, /expected a segment/],
    "/a?b=1": [3, /received "\?b=1"\. See /],
    "/a#b": [3, /received "#b"\. See /],
    "/a\\b": [3, /expected "\/" at/],
    "/a*": [3, /received "\*"\. See /],
    "/*a": [2, /received "\*a"\. See /],
    "/*/a": [2, /received "\*\/a"\. See /],
    "/**": [2, /received "\*\*"\. See /],
    "/a:b": [3, /received ":b"\. See /],
    "/:": [2, /expected a name behind the colon at/],
    "/:/a": [2, /expected a name/],
    "/:1": [2, /expected a name/],
    "/:a:b": [4, /received ":b"\. See /],
    "/:a.json": [4, /received ".json"\. See /],
    "/:a?": [4, /received "\?"\. See /],
    "/:a*": [4, /received "\*"\. See /],
    "/:a(\\d+)": [4, /expected "\/" at/],
    "/.": [2, /expected a segment that is not resolved away at/],
    "/a/../b": [4, /expected a segment that is not resolved away at/],
    "/a/%2E./b": [4, /expected a segment that is not resolved away at/],
  };
  for (const [text, [at, message]] of Object.entries(cases)) {
    assert.throws(() => compileMatch(text), (error: Error & { code?: unknown }) => {
      assert.equal(error.name, "SyntaxError", text);
      assert.equal(error.code, "KVOTA_MATCH_INVALID", text);
      assert.ok(error.message.startsWith(`Cannot parse match ${JSON.stringify(text)}: expected `), error.message);
      assert.match(error.message, new RegExp(` at character ${at}, received `), text);
      assert.match(error.message, message, text);
      return true;
    });
  }
});

test("whatever is no match is refused", () => {
  const refused = { name: "TypeError", code: "KVOTA_MATCH_INVALID", message: /^Cannot match requests: .*, received / };
  for (
    const bad of [
      undefined,
      null,
      7,
      true,
      Symbol("x"),
      {},
      { test: "/login" },
      [],
      ["/login"],
      new URL("http://localhost/"),
    ]
  ) {
    assert.throws(() => compileMatch(bad), refused, String(bad));
  }
  for (const bad of [/login/g, /login/y, /login/giu]) {
    assert.throws(() => compileMatch(bad), {
      ...refused,
      message: /g or y flag .* received "\/login\/[giuy]+"\. See /,
    });
  }
});

test("no path throws, and the one spelling is its own", () => {
  fc.assert(
    fc.property(nasty, fc.constantFrom("/login", "/:a", "/api/*", "/users/:id/x", "/*", "/%ff"), (path, match) => {
      const once = canonicalPath(path);
      assert.equal(canonicalPath(once), once);
      assert.equal(typeof matches(match, path), "boolean");
      assert.equal(typeof compileMatch(match)(served(path)), "boolean");
      assert.equal(matches("/*", path), true);
    }),
    { numRuns: 5_000 },
  );
});

test("each character has one spelling", () => {
  for (let code = 0; code <= 0x10ffff; code += code < 0x2_0000 ? 1 : 997) {
    const once = canonicalPath(`/a${String.fromCodePoint(code)}z`);
    if (canonicalPath(once) !== once) assert.fail(code.toString(16));
  }
});

test("respelling leads round no rule", () => {
  const respelt = (text: string, bits: readonly number[]): string =>
    [...text].map((character, i) => {
      const bit = bits[i % bits.length]!;
      if (character === "/") return ["/", "//", "/./", "/x/../", "\\", "/%2e/", "/x/%2E./"][bit % 7];
      const escape = `%${character.charCodeAt(0).toString(16)}`;
      return [character, character.toUpperCase(), escape, escape.toUpperCase()][bit % 4];
    }).join("");
  const word = fc.string({ unit: fc.constantFrom(..."abz09-._~"), minLength: 1, maxLength: 5 })
    .filter((word) => word !== "." && word !== "..");
  const path = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => `/${words.join("/")}`);
  const bits = fc.array(fc.nat(83), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(path, bits, fc.constantFrom("", "/", "//", "/.", "?q", "\\"), (path, bits, end) => {
      const spelt = `${respelt(path, bits)}${end}`;
      assert.equal(matches(path, spelt), true, spelt);
      assert.equal(matches(`${path}/*`, spelt), true, spelt);
      assert.equal(matches(`${path}/x`, spelt), false, spelt);
    }),
    { numRuns: 3_000 },
  );
});

test("agrees with a naive model on plain paths", () => {
  const fits = (pattern: readonly string[], path: readonly string[]): boolean =>
    pattern[0] === "*" ||
    (pattern.length === 0 || path.length === 0
      ? pattern.length === path.length
      : (pattern[0] === ":p" || pattern[0] === path[0]) && fits(pattern.slice(1), path.slice(1)));
  const segments = (unit: readonly string[]) => fc.array(fc.constantFrom(...unit), { maxLength: 5 });
  fc.assert(
    fc.property(
      segments(["a", "b", "ab", ":p"]),
      fc.boolean(),
      segments(["a", "b", "ab", ":p"]),
      (head, star, path) => {
        const pattern = star ? [...head, "*"] : head;
        assert.equal(matches(`/${pattern.join("/")}`, `/${path.join("/")}`), fits(pattern, path));
      },
    ),
    { numRuns: 3_000 },
  );
});

test("whatever routers route to a handler, its rule is for", () => {
  const apps = new Map(
    ["/", "/login", "/api/*", "/:any", "/users/:id", "/:a/:b", "/a/:b/login", "/café"].map((route) => [
      route,
      [true, false].map((strict) => new Hono({ strict }).all(route, (context) => context.body(null, 204))),
    ]),
  );
  const routed = (app: Hono, request: Request): boolean => {
    try {
      return (app.fetch(request) as Response).status === 204;
    } catch {
      return false; // Hono throws over a URL without a path, "http://a?", where it finds none.
    }
  };
  const url = fc.tuple(
    fc.constantFrom("h", "a?", "a#", "a b", "a\\", "a\\b", "h/x", "u@h"),
    fc.constantFrom("", "/"),
    nasty,
  )
    .map(([host, slash, path]) => `http://${host}${slash}${path}`);
  fc.assert(
    fc.property(url, fc.constantFrom(...apps.keys()), (url, route) => {
      const request = served(url);
      if (compileMatch(route)(request) === true) return;
      assert.ok(!apps.get(route)!.some((app) => routed(app, request)), `Hono routes ${url} to ${route}`);
      if (!("URLPattern" in globalThis)) return;
      assert.ok(!new URLPattern({ pathname: route }).test(url), `URLPattern finds ${route} in ${url}`);
    }),
    { numRuns: 5_000 },
  );
});

test("long paths take linear time", () => {
  const units = [
    "/",
    "a",
    "%",
    "/a",
    "/..",
    "/./",
    "\\",
    "%41",
    "%ff",
    "%c3%a9",
    "%f4%8f%bf",
    "é",
    "%2e/",
    "/%2e%2e",
    "a/",
  ];
  const patterns = ["/login", "/:a/:b/:c/*", "/a/a/:x/a", "/*"].map(compileMatch);
  const timed = (length: number): number => {
    const start = performance.now();
    for (const unit of units) {
      const request = served(`http://localhost/${unit.repeat(length / unit.length)}`);
      for (const match of patterns) match(request);
    }
    return performance.now() - start;
  };
  timed(10_000);
  const short = timed(10_000);
  const long = timed(100_000);
  // Ten times as long; a hundred times the time would be square.
  assert.ok(long < Math.max(short, 5) * 50, `${short.toFixed(1)} ms, ten times as long ${long.toFixed(1)} ms`);
  assert.ok(long < 5_000, `${long} ms`);
});
