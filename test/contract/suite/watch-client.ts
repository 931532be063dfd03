import type { CloudClient } from '../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';

/** An error that a driver's method threw. */
export interface Thrown {
  method: string;
  error: unknown;
  tookMs: number;
}

/** Wraps a client so that each error of the client is added to `thrown`. */
export function watchClient(client: CloudClient, thrown: Thrown[]): CloudClient {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      // This method is synchronous and makes no request.
      if (name === 'idempotencyKeyOf') return member.bind(target);
      return async (...args: unknown[]) => {
        const startedMs = performance.now();
        try {
          return await Reflect.apply(member, target, args);
        } catch (error) {
          thrown.push({ method: String(name), error, tookMs: performance.now() - startedMs });
          throw error;
        }
      };
    },
  });
}

/** Returns all text of an error and its causes. */
export function wordsOf(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    parts.push(at.message, at.stack ?? '');
    if (at instanceof DriverError) parts.push(at.cloudCode ?? '', at.call ?? '');
  }
  return parts.join('\n');
}
