/** What happens between a limiter and its shared store that an operator should know. See {@linkcode LimiterEvent}. */
export type StoreEvent =
  /** Requests could not be counted: the store failed, took longer than `storeTimeout`, or refused commit after commit. Told once a second at most. */
  | { readonly type: "store-failed"; readonly error: unknown }
  /** Calls have failed or been slow in a row: the store is left alone for a while. */
  | { readonly type: "breaker-opened" }
  /** The store answers again. */
  | { readonly type: "breaker-closed" }
  /** From here on requests are decided as `onStoreFailure` says. */
  | { readonly type: "fallback-began" }
  /** They are decided in the store again, and what was admitted meanwhile is charged there. */
  | { readonly type: "fallback-ended" }
  /** Something stands in a row's place that is none; it is treated as no row, and written over. */
  | { readonly type: "row-unreadable"; readonly key: string }
  /** More is active than memory is set aside for: rows that still counted, or charges still to be made in the store, were lost. */
  | { readonly type: "overflow"; readonly evictions: number };
