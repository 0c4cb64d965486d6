/**
 * A login form that is slow to guess at: `deno run --allow-net examples/login.ts`
 *
 * - Two rules, as there are two attacks: many passwords for one account, from many addresses; one password for many
 *   accounts, from one address. The address gets more, as an office or a school shares one.
 * - Only failures count. Each attempt is charged before the password is looked at, so that attempts sent at once are counted
 *   too, and `settle` gives the charge back unless it failed. Success gives back its own charge only: an attacker
 *   cannot wash failures away by logging in to an account of their own.
 * - `sliding-log`, as a few attempts in a long window are cheap to keep one by one, and nothing slips in at a boundary.
 * - `block` makes whoever is denied wait in full. It is short, as whoever knows an account's name can lock its owner out.
 */
import { byIp, byKey, memoryStore, type Settle, withRateLimit } from "@kvota/kvota";

/** A form with a name and a password is far smaller. */
const MAX_FORM = 4_096;
const PAGE = `<!doctype html><title>Log in</title>
<form method="post"><input name="name"> <input name="password" type="password"> <button>Log in</button></form>`;

/** In place of a database and a slow password hash. */
const passwords = new Map([["ada", "lovelace"], ["alan", "turing"]]);

const forms = new WeakMap<Request, Promise<FormData>>();

/** What has no length, or too much of it, is not read at all; the handler refuses it. */
function isShort({ headers }: Request): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= MAX_FORM;
}

/** One spelling for one account. */
function nameIn(form: FormData): string {
  return String(form.get("name") ?? "").normalize("NFKC").trim().toLowerCase();
}

/** Read once, for the rule's key and for the handler: a body cannot be read twice. */
function formOf(request: Request): Promise<FormData> {
  const form = forms.get(request) ?? request.formData().catch(() => new FormData());
  forms.set(request, form);
  return form;
}

async function accountOf(request: Request): Promise<string | null> {
  // `null`: the rule is not for this request.
  return isShort(request) ? nameIn(await formOf(request)) || null : null;
}

async function login(request: Request, _info: Deno.ServeHandlerInfo): Promise<Response> {
  if (request.method !== "POST") return new Response(PAGE, { headers: { "content-type": "text/html" } });
  if (!isShort(request)) return new Response("Send a shorter form\n", { status: 413 });
  const form = await formOf(request);
  const name = nameIn(form);
  if (name !== "" && passwords.get(name) === form.get("password")) return new Response(`Welcome, ${name}\n`);
  return new Response("Wrong name or password\n", { status: 401 });
}

/** A failure of the server's own is nobody's guess. */
const failuresOnly: Settle = (outcome) =>
  outcome instanceof Response && outcome.status >= 400 && outcome.status < 500 ? 1 : 0;

/** The form, limited. */
export const handler = withRateLimit(login, {
  name: "login",
  rules: [
    { name: "account", match: "POST /*", key: byKey(accountOf), limit: "5/15m sliding-log" },
    { name: "address", match: "POST /*", key: byIp(), limit: "20/15m sliding-log" },
  ],
  settle: failuresOnly,
  block: "15m",
  // So that this runs anywhere. Left out, Deno KV counts, for all processes and across restarts.
  store: memoryStore(),
});

if (import.meta.main) Deno.serve(handler);
