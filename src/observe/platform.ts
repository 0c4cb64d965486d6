/** Where this runs. Nothing here asks the user, or needs a runtime to have anything. */

interface Surroundings {
  readonly navigator?: { readonly userAgent?: string };
  readonly Deno?: {
    readonly permissions?: { querySync(of: { name: "env"; variable: string }): { readonly state: string } };
  };
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** Variables that platforms document as set wherever they run a program. Netlify's functions are Lambda's. */
const variables: Readonly<Record<string, string>> = {
  DENO_DEPLOYMENT_ID: "Deno Deploy",
  VERCEL_REGION: "Vercel",
  AWS_LAMBDA_FUNCTION_NAME: "AWS Lambda",
  K_SERVICE: "Cloud Run",
};

/** The platform, if it is one that runs a program in many places at once, and does not tell it in how many. */
export function isolatingPlatform(): string | undefined {
  if ((globalThis as Surroundings).navigator?.userAgent === "Cloudflare-Workers") return "Cloudflare Workers";
  if ("EdgeRuntime" in globalThis) return "an edge runtime";
  return Object.entries(variables).find(([variable]) => environment(variable) !== undefined)?.[1];
}

/** What the console has been told: limiters may be many, and who reads it is one. */
const warned = new Set<string>();

/** Whether whoever looks at the console may mend the program: as most take it, unless `NODE_ENV` says otherwise. */
export function isDevelopment(): boolean {
  return (environment("NODE_ENV") || "development") === "development" && isolatingPlatform() === undefined;
}

/** Tells the console, once in this process, in development. */
export function warn(code: string, message: string): void {
  if (warned.has(code) || !isDevelopment()) return;
  warned.add(code);
  try {
    // deno-lint-ignore no-console -- who develops looks there
    console.warn(`kvota: ${message}`);
  } catch {
    // A console that is not there, or throws, is no reason for a request to fail.
  }
}

/** A variable of the environment; none where Deno would have to ask whether it may be read. */
function environment(variable: string): string | undefined {
  const { Deno, process } = globalThis as Surroundings;
  const state = Deno?.permissions?.querySync({ name: "env", variable }).state ?? "granted";
  return state === "granted" ? process?.env?.[variable] : undefined;
}
