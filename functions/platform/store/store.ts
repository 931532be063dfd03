import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { CALL_LIMITS, clientSettings, withoutCallLog } from '../runtime/aws-clients.ts';
import { systemClock, type Timer } from '../runtime/clock.ts';
import { usage } from '../runtime/usage.ts';

/** Names of the tables. A function knows only the tables that its environment variables name. */
export interface Tables {
  fleets: string;
  governor: string;
  catalogue: string;
  access: string;
  history: string;
  audit: string;
}

/** Dependencies of the functions in this folder. `T` lists the tables that a function needs. */
export interface Store<T extends keyof Tables = keyof Tables> {
  document: DynamoDBDocumentClient;
  tables: Pick<Tables, T>;
  clock: Timer;
  /** Draws a random number from [0, 1), for ids and jitter. */
  random: () => number;
}

const capacitySchema = z.object({ CapacityUnits: z.number().default(0) });
const consumedSchema = z.object({
  ConsumedCapacity: z.union([capacitySchema.transform((one) => [one]), z.array(capacitySchema)]).optional(),
});

/**
 * Opens a document client that adds the consumed capacity of each call to `usage`. A command's name shows whether its
 * capacity is read or write units.
 */
export function openDocumentClient(config: DynamoDBClientConfig = {}): DynamoDBDocumentClient {
  const document = DynamoDBDocumentClient.from(
    withoutCallLog(new DynamoDBClient({ ...clientSettings(CALL_LIMITS.dynamodb), ...config })),
    { marshallOptions: { removeUndefinedValues: true } },
  );
  document.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
      const consumed = consumedSchema.safeParse(result.output);
      const units = (consumed.data?.ConsumedCapacity ?? []).reduce((sum, one) => sum + one.CapacityUnits, 0);
      if (/^(Get|Query|BatchGet|TransactGet)/.test(String(context['commandName']))) usage.readUnits += units;
      else usage.writeUnits += units;
      return result;
    },
    { step: 'initialize', name: 'countConsumedCapacity' },
  );
  return document;
}

export function openStore<T extends keyof Tables>(
  tables: Pick<Tables, T>,
  clock: Timer = systemClock,
  random: () => number = Math.random,
): Store<T> {
  return { document: openDocumentClient(), tables, clock, random };
}
