/** Tells how long importing the package takes here, in milliseconds, and how long making the first limiter and decision does. */
const start = performance.now();
const { createRateLimiter, memoryStore } = await import("../mod.ts");
const imported = performance.now();
createRateLimiter({ limit: "100/1m", store: memoryStore() }).limit("203.0.113.7");
const decided = performance.now();
// deno-lint-ignore no-console -- read by bench/load.ts
console.log(JSON.stringify([imported - start, decided - imported]));
export {};
