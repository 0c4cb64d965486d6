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
/** In place of a database and a slow password hash. */
const passwords = new Map([["ada", "lovelace"], ["alan", "turing"]]);

/** What has no length, or too much of it, is not read at all; the handler refuses it. */
function isReadable({ headers, method }: Request): boolean {
  const length = headers.get("content-length");
  return method === "POST" && length !== null && Number(length) <= MAX_FORM;
}

/** One spelling for one account. */
function nameIn(form: FormData): string {
  return String(form.get("name") ?? "").normalize("NFKC").trim().toLowerCase();
}

async function accountOf(request: Request): Promise<string | null> {
  if (!isReadable(request)) return null;
  try {
    // A copy: the handler reads the body as well.
    return nameIn(await request.clone().formData()) || null;
  } catch {
    return null;
  }
}

async function login(request: Request, _info: Deno.ServeHandlerInfo): Promise<Response> {
  if (!isReadable(request)) return new Response("Send a short form\n", { status: 413 });
  const form = await request.formData().catch(() => new FormData());
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
    { name: "account", key: byKey(accountOf), limit: "5/15m sliding-log" },
    { name: "address", key: byIp(), limit: "20/15m sliding-log" },
  ],
  settle: failuresOnly,
  block: "15m",
  // So that this runs anywhere. Left out, Deno KV counts, for all processes and across restarts.
  store: memoryStore(),
});

if (import.meta.main) Deno.serve(handler);
