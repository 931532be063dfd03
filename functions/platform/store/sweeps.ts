import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { nameSchema } from '../../model/identifiers.ts';
import { sweepFindingSchema } from '../../model/orphan.ts';
import { sweepKey, sweepPartition } from './keys.ts';
import { namespaceStands } from './namespaces.ts';
import type { Store } from './store.ts';
import { transactWrite } from './transact.ts';

const KEPT_SECONDS = 86_400;
const failureSchema = z.object({ code: z.string(), message: z.string() });

const metaSchema = z.object({
  part: z.literal('sweep'),
  sweepId: z.string(),
  namespace: nameSchema,
  connections: z.array(nameSchema),
  dryRun: z.boolean(),
  createdAt: z.string(),
});
export type SweepMeta = Omit<z.infer<typeof metaSchema>, 'part'>;

const connectionPartSchema = z.object({
  part: z.literal('connection'),
  connection: nameSchema,
  locations: z.array(z.string()),
  failure: failureSchema.optional(),
});
const sitePartSchema = z.object({
  part: z.literal('site'),
  connection: nameSchema,
  location: z.string(),
  findings: z.array(sweepFindingSchema),
  leftOut: z.number(),
  failure: failureSchema.optional(),
});
export type SweepConnectionPart = Omit<z.infer<typeof connectionPartSchema>, 'part'>;
export type SweepSitePart = Omit<z.infer<typeof sitePartSchema>, 'part'>;

const partSchema = z.discriminatedUnion('part', [metaSchema, connectionPartSchema, sitePartSchema]);

export interface SweepRecord {
  meta: SweepMeta;
  /** Connections whose sites have been listed so far. */
  connections: SweepConnectionPart[];
  /** Sites that have been swept so far. */
  sites: SweepSitePart[];
}

/** Writes the record of a new sweep. @returns false if the namespace does not exist or is being deleted */
export async function createSweep(store: Store<'fleets' | 'access'>, meta: SweepMeta): Promise<boolean> {
  const item = itemOf(store, meta.sweepId, 'META', { part: 'sweep', ...meta });
  const refusals = await transactWrite(store, [namespaceStands(store, meta.namespace), { Put: item }]);
  return refusals.length === 0;
}

/** Records which of a connection's locations the sweep covers. Repeating this is harmless. */
export async function writeSweepConnection(
  store: Store<'fleets'>,
  sweepId: string,
  part: SweepConnectionPart,
): Promise<void> {
  await put(store, sweepId, `CONN#${part.connection}`, { part: 'connection', ...part });
}

/**
 * Records what the sweep found at one site. If the site is swept a second time to check removals, the second record
 * replaces the first.
 */
export async function writeSweepSite(
  store: Store<'fleets'>,
  sweepId: string,
  part: SweepSitePart,
): Promise<void> {
  await put(store, sweepId, `SITE#${part.connection}#${part.location}`, { part: 'site', ...part });
}

/**
 * Reads a sweep. @returns undefined if no sweep has this id, or DynamoDB has deleted it, which it may do after a day
 */
export async function readSweep(store: Store<'fleets'>, sweepId: string): Promise<SweepRecord | undefined> {
  let meta: SweepMeta | undefined;
  const connections: SweepConnectionPart[] = [];
  const sites: SweepSitePart[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.document.send(
      new QueryCommand({
        TableName: store.tables.fleets,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': sweepPartition(sweepId) },
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    for (const part of z.array(partSchema).parse(page.Items ?? [])) {
      if (part.part === 'sweep') meta = part;
      else if (part.part === 'connection') connections.push(part);
      else sites.push(part);
    }
    start = page.LastEvaluatedKey;
  } while (start);
  return meta && { meta, connections, sites };
}

async function put(store: Store<'fleets'>, sweepId: string, sk: string, item: object): Promise<void> {
  await store.document.send(new PutCommand(itemOf(store, sweepId, sk, item)));
}

function itemOf(store: Store<'fleets'>, sweepId: string, sk: string, item: object) {
  const expiresAt = Math.floor(store.clock.now() / 1_000) + KEPT_SECONDS;
  return { TableName: store.tables.fleets, Item: { ...sweepKey(sweepId, sk), ...item, expiresAt } };
}
