/** What `withRateLimit` promises behind a real server, the same on every runtime. */
import { addBodyTests } from "./body_tests.ts";
import { addClientTests } from "./client_tests.ts";
import { addConcurrencyTests } from "./concurrency_tests.ts";
import { addHeaderTests } from "./header_tests.ts";
import { addQueueTests } from "./queue_tests.ts";
import { addStoreTests } from "./store_tests.ts";
import type { Runtime } from "./runtime.ts";

/** Registers all tests that hold on every runtime. */
export function addTests(runtime: Runtime): void {
  addHeaderTests(runtime);
  addBodyTests(runtime);
  addClientTests(runtime);
  addConcurrencyTests(runtime);
  addQueueTests(runtime);
  addStoreTests(runtime);
}
