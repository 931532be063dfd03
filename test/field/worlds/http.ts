import type { RequestHandler } from '../../../functions/drivers/aws/settings.ts';
import { Permit } from '../../../functions/drivers/contract/call-gate.ts';
import type { DriverClock, Send } from '../../../functions/drivers/contract/surroundings.ts';
import type { Ground } from '../../chaos/ground/ground.ts';
import type { Process } from '../../chaos/ground/process.ts';
import type { Asked } from './asked.ts';
import type { Script } from './script.ts';

/** A scripted cloud in the same process and in virtual time. It has a state and a script of faults. */
export interface CloudWorld {
  readonly script: Script;
  /** Performs a request at the moment when it reaches the cloud. */
  answer(asked: Asked): Promise<Response>;
  /** Returns the name of a request, such as `RunInstances` or `POST nova /servers`. */
  nameOf(asked: Asked): string;
}

/** Returns the clock of a process for its drivers. The timers of a dead process never fire. */
export function clockOf(process: Process): DriverClock {
  const { scheduler } = process.ground;
  return {
    now: () => process.clock.now(),
    wakeIn: (ms, wake) =>
      scheduler.wakeIn(ms, () => {
        if (!process.dead) wake();
      }),
  };
}

/**
 * Returns a function that sends requests of a process to a cloud. An aborted signal ends the wait, but the
 * cloud still performs the request.
 */
export function sendTo(world: CloudWorld, process: Process): Send {
  return async (request, signal) => {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => {});
    signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true });
    const text = await request.text();
    const asked = { method: request.method, url: new URL(request.url), headers: request.headers, text };
    return await Promise.race([
      process.call(world.nameOf({ ...asked, atMs: 0 }), () => reach(world, process.ground, asked)),
      aborted.promise,
    ]);
  };
}

/** A request of the AWS SDK. */
interface SdkRequest {
  protocol: string;
  hostname: string;
  path: string;
  method: string;
  headers: Record<string, string>;
  body?: unknown;
}

/** Wraps `send` as a request handler of the AWS SDK. It replaces HTTPS. */
export function handlerOver(send: Send): RequestHandler {
  return {
    async handle(request: SdkRequest, { abortSignal }: { abortSignal?: unknown } = {}) {
      const { protocol, hostname, path, method, headers, body } = request;
      const response = await send(
        new Request(`${protocol}//${hostname}${path}`, { method, headers, body: textOf(body) }),
        signalOf(abortSignal),
        new Permit({ action: 'the SDK', kind: 'list', location: undefined }),
      ).catch((error: unknown) => {
        throw error instanceof Error && error.name === 'TimeoutError' ? aborted(error) : error;
      });
      const bytes = new Uint8Array(await response.arrayBuffer());
      const answered = {
        statusCode: response.status,
        headers: Object.fromEntries(response.headers),
        body: bytes,
      };
      return { response: answered };
    },
  };
}

async function reach(world: CloudWorld, ground: Ground, asked: Omit<Asked, 'atMs'>): Promise<Response> {
  const { script } = world;
  const name = world.nameOf({ ...asked, atMs: ground.now() });
  const before = script.meet(name, { ...asked, atMs: ground.now() });
  if (before.lateMs > 0) await ground.sleep(before.lateMs);
  const response = before.instead ?? (await world.answer({ ...asked, atMs: ground.now() }));
  script.note(name, ground.now(), response.status);
  if (before.replyLateMs > 0) await ground.sleep(before.replyLateMs);
  if (before.isReplyLost) return await new Promise<never>(() => {});
  return response;
}

function textOf(body: unknown): string | null {
  if (body === undefined || body === null) return null;
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  throw new TypeError(`the body is ${typeof body}, but must be text or bytes`);
}

/** Returns the error that the SDK's own handler throws. */
function aborted(cause: Error): Error {
  return Object.assign(new Error('Request aborted', { cause }), { name: 'AbortError' });
}

function signalOf(signal: unknown): AbortSignal {
  return signal instanceof AbortSignal ? signal : new AbortController().signal;
}
