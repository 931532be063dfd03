import * as z from 'zod';
import { routes } from '../../../functions/entrypoints/api/contract.ts';
import { performAudited } from '../../../functions/entrypoints/api/perform-audited.ts';
import type { Caller } from '../../../functions/model/caller.ts';
import { CALLER } from './caller.ts';

const inputSchema = z.looseObject({
  params: z.record(z.string(), z.string()).default({}),
  query: z.unknown(),
  body: z.unknown(),
  caller: z.custom<Caller>().optional(),
});
const answerSchema = z.custom<{ body: unknown; isReplay?: true }>();

/**
 * Returns operations of the API that append to the audit log, as the API's functions do. The tests call operations without
 * HTTP.
 */
export function auditedOperations<Operations extends object>(
  operations: Operations,
  world: Parameters<typeof performAudited>[0],
): Operations {
  return new Proxy(operations, {
    get(target, name) {
      const operation: unknown = Reflect.get(target, name);
      const route = routes.find(({ operationId }) => operationId === name);
      if (!route || typeof operation !== 'function') return operation;
      return async (asked: unknown) => {
        const { params, query, body, caller = CALLER } = inputSchema.parse(asked);
        return await performAudited(
          world,
          { route, params },
          {
            caller,
            input: { query, body },
            perform: async () => answerSchema.parse(await operation(asked)),
          },
        );
      };
    },
  });
}
