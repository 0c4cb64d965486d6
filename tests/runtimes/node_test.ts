import { test } from "node:test";
import { addTests } from "./add_tests.ts";
import { here } from "./runtime.ts";
import { servers } from "./servers.ts";

if (here === "Node") {
  for (const server of servers) addTests(server);
} else {
  test(`SKIPPED: @hono/node-server and srvx are NOT tested here, this is ${here}`, { skip: "needs Node" }, () => {});
}
