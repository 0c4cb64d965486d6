/**
 * A public API with plans: `deno run --allow-net examples/plans.ts`
 *
 * - Customers are counted by their id, not by address: they may have many servers, and an API key may be replaced.
 * - Token buckets, the default: clients may burst, and what they do not use does not pile up beyond that. The paid plan has two
 *   limits: one for the second, which protects the server, and one for the hour, which is what is sold.
 * - Keys that nobody has are counted by address. By the key's own value, each guess would begin with a full quota.
 */
import { byIp, byKey, memoryStore, withRateLimit } from "@kvota/kvota";

interface Customer {
  readonly id: string;
  readonly plan: "free" | "paid";
}

/** In place of a database. */
const customers = new Map<string, Customer>([
  ["key-of-ada", { id: "ada", plan: "free" }],
  ["key-of-alan", { id: "alan", plan: "paid" }],
]);

function customerOf(request: Request): Customer | undefined {
  return customers.get(request.headers.get("x-api-key") ?? "");
}

function api(request: Request, _info: Deno.ServeHandlerInfo): Response {
  const customer = customerOf(request);
  if (customer === undefined) return Response.json({ error: "unknown API key" }, { status: 401 });
  return Response.json({ hello: customer.id, plan: customer.plan });
}

/** The API, limited. */
export const handler = withRateLimit(api, {
  name: "api",
  rules: [
    {
      name: "customer",
      // `null`: the rule is not for this request.
      key: byKey((request) => customerOf(request)?.id ?? null),
      plans: { free: "60/1m", paid: ["50/1s", "20000/1h"] },
      plan: (request) => customerOf(request)?.plan ?? "free",
    },
    { name: "stranger", match: (request) => customerOf(request) === undefined, key: byIp(), limit: "10/1m" },
  ],
  // So that this runs anywhere. Left out, Deno KV counts, for all processes and across restarts.
  store: memoryStore(),
});

if (import.meta.main) Deno.serve(handler);
