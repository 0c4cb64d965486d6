/** When a response has been sent, as well as each runtime tells it. */
import { isPromise } from "../maybe_promise.ts";
import { typedHeadersOf } from "./typed_headers.ts";

/** Node's response, of which only this is used. */
interface NodeResponse {
  once(event: "close", listener: () => void): unknown;
  readonly destroyed?: boolean;
  /** Where it is one of HTTP/2. */
  readonly stream?: { readonly destroyed?: boolean };
}

/** The parts of what runtimes hand to a handler that tell of the response's end. */
interface Context {
  /** Deno: settles when the response has been sent, or the client has gone. */
  readonly completed?: Promise<unknown>;
  /** Node as `@hono/node-server` hands it on. */
  readonly outgoing?: NodeResponse;
}

/** A request as `srvx` makes it. */
export interface SrvxRequest {
  readonly runtime?: {
    readonly node?: { readonly res?: NodeResponse };
    readonly deno?: { readonly info?: Context };
  };
}

/**
 * The end of a response that is still to come, sent or not; `undefined` where the runtime does not tell of it.
 *
 * To be asked for before the handler is called: of a client that goes while the handler works, Node tells only those who listen already.
 */
export function endOf(request: Request, given: unknown): Promise<unknown> | undefined {
  const context = (typeof given === "object" && given !== null ? given : {}) as Context;
  const { runtime } = request as SrvxRequest;
  const completed = context.completed ?? runtime?.deno?.info?.completed;
  // What it rejects with says only that the client has gone.
  if (completed !== undefined && isPromise(completed)) return completed.then(() => {}, () => {});
  const outgoing = context.outgoing ?? runtime?.node?.res;
  if (typeof outgoing?.once !== "function") return undefined;
  if (outgoing.destroyed || outgoing.stream?.destroyed) return Promise.resolve();
  return new Promise<void>((resolve) => outgoing.once("close", () => resolve()));
}

/**
 * Calls `done` when the response has been sent, cancelled or failed.
 *
 * Where the runtime tells of its end, the response stays as it is; else its body is watched, which takes it the `Content-Length` that the
 * runtime would have told.
 *
 * @returns The response to send.
 */
export function whenSent(
  response: Response,
  request: Request,
  end: Promise<unknown> | undefined,
  done: () => void,
): Response {
  if (end !== undefined) {
    void end.then(done);
    return response;
  }
  const headers = typedHeadersOf(response);
  const { body, status, statusText } = response;
  // A body that somebody reads already cannot be watched, nor be sent; and what answers HEAD is not read.
  if (body === null || body.locked || request.method === "HEAD") {
    done();
    return response;
  }
  // Deno cancels the body of a client that has gone, and warns of whoever asks for the signal.
  if (!("Deno" in globalThis)) whenAborted(request.signal, done);
  return new Response(watched(body, done), { status, statusText, headers });
}

function whenAborted(signal: AbortSignal, done: () => void): void {
  if (signal.aborted) done();
  else signal.addEventListener("abort", done, { once: true });
}

/** Calls what belongs to a body that was thrown away unread, once that is noticed; which Workers of a date before May 2025 cannot. */
const forgotten = "FinalizationRegistry" in globalThis
  ? new FinalizationRegistry<() => void>((done) => done())
  : undefined;

/** The same bytes; `done` is called when they end, or are not wanted any more. */
function watched(source: ReadableStream<Uint8Array>, done: () => void): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  const over = (): void => {
    forgotten?.unregister(reader);
    done();
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: isOver, value } = await reader.read();
        if (!isOver) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      over();
    },
    cancel(reason) {
      over();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  forgotten?.register(body, done, reader);
  return body;
}
