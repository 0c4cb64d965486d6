/** The part of Deno KV that is used, as the native one and `@deno/kv` on Bun and Node have it. */

/** A key: its parts. See {@linkcode denoKvStore}. */
export type KvKeyLike = readonly string[];

/** What stands under a key. See {@linkcode denoKvStore}. */
export interface KvEntryLike {
  /** Its value; `null` where there is none. */
  readonly value: unknown;
  /** Its version; `null` where there is none. */
  readonly versionstamp: string | null;
}

/** An atomic operation in the making. See {@linkcode denoKvStore}. */
export interface KvAtomicLike {
  /** Lets the commit happen only if the key still has this version. */
  check(...checks: readonly { readonly key: KvKeyLike; readonly versionstamp: string | null }[]): unknown;
  /** Writes a value, which may be dropped after `expireIn` milliseconds. */
  set(key: KvKeyLike, value: unknown, options?: { readonly expireIn?: number }): unknown;
  /** Removes a key. */
  delete(key: KvKeyLike): unknown;
  /** Does it all or nothing. */
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>;
}

/** An open database. See {@linkcode denoKvStore}. */
export interface KvLike {
  /** The entries of up to ten keys, in their order. */
  getMany(keys: readonly KvKeyLike[]): Promise<readonly KvEntryLike[]>;
  /** Begins an atomic operation. */
  atomic(): KvAtomicLike;
  /** Closes the database. */
  close(): void;
}

/** Where a database is: a path, `":memory:"`, a KV Connect URL, or `undefined` for the runtime's own. */
export interface KvLocation {
  readonly path: string | undefined;
  readonly token: string | undefined;
}

interface NativeDeno {
  openKv?(path?: string): Promise<unknown>;
  readonly env?: {
    get(name: string): string | undefined;
    set(name: string, value: string): void;
    delete(name: string): void;
  };
}

/** The one way in which Deno takes a token. */
const TOKEN = "DENO_KV_ACCESS_TOKEN";

/** Whether this runtime has Deno KV built in. */
export function hasNativeKv(): boolean {
  return typeof native()?.openKv === "function";
}

/** Opens the database natively, or through `@deno/kv`. */
export async function openKv({ path, token }: KvLocation): Promise<KvLike> {
  const deno = native();
  if (deno?.openKv !== undefined) {
    return await (token === undefined ? deno.openKv(path) : openWithToken(deno, path, token)) as KvLike;
  }
  const { openKv } = await importFromDeno("kv") as {
    openKv(path: string | undefined, options: Record<string, unknown>): Promise<KvLike>;
  };
  // Rows are bytes. What is not, was not written here, and need not be understood (Bun has no V8 to do it).
  const encodeV8 = (): never => {
    throw new TypeError("Cannot write what is no bytes");
  };
  const decodeV8 = (): null => null;
  return await openKv(path, { encodeV8, decodeV8, ...(token === undefined ? {} : { accessToken: token }) });
}

/** Deno has read the token once it gives a promise: child processes, and whoever shows the environment, are not to have it. */
function openWithToken(deno: NativeDeno, path: string | undefined, token: string): Promise<unknown> {
  const env = deno.env!;
  const before = env.get(TOKEN);
  env.set(TOKEN, token);
  try {
    return deno.openKv!(path);
  } finally {
    if (before === undefined) env.delete(TOKEN);
    else env.set(TOKEN, before);
  }
}

/** Names a package where neither JSR nor a bundler sees it: it is the application's to install, not this package's. */
function importFromDeno(name: string): Promise<unknown> {
  return import(`@deno/${name}`);
}

function native(): NativeDeno | undefined {
  return (globalThis as { Deno?: NativeDeno }).Deno;
}
