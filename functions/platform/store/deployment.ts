import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { beatKey, deploymentKey } from './keys.ts';
import type { Store } from './store.ts';

const deploymentSchema = z.object({ deploymentId: z.string() });

/** The deployment id that is written if the tables have none yet. */
export interface WantedId {
  deploymentId: string;
  /** True if the operator chose the id. `ensureDeploymentId` then throws if the deployment already has another id. */
  isNamed: boolean;
}

/** Thrown if the operator chose an id for a deployment that already has another id. */
export class DeploymentIdTaken extends Error {
  override readonly name = 'DeploymentIdTaken';

  constructor(wanted: string, known: string) {
    super(
      `this deployment has the id ${known} and cannot change it to ${wanted}, because its machines carry ${known}. Deploy with --parameters ChosenDeploymentId=${known}, or with an empty one`,
    );
  }
}

/**
 * Returns the deployment's id, and writes one if the table has none. Everything that the deployment creates at a cloud
 * carries the id. A conditional write sets the id in the table once, and the id never changes.
 *
 * @throws DeploymentIdTaken
 */
export async function ensureDeploymentId(
  store: Store<'fleets'>,
  { deploymentId: wanted, isNamed }: WantedId,
): Promise<string> {
  const known = (await readDeploymentId(store)) ?? (await writeDeploymentId(store, wanted));
  if (isNamed && known !== wanted) throw new DeploymentIdTaken(wanted, known);
  return known;
}

/** Reads the deployment's id with a strongly consistent read. @returns undefined if the table has none yet */
export async function readDeploymentId(store: Store<'fleets'>): Promise<string | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.fleets, Key: deploymentKey(), ConsistentRead: true }),
  );
  return Item && deploymentSchema.parse(Item).deploymentId;
}

async function writeDeploymentId(store: Store<'fleets'>, deploymentId: string): Promise<string> {
  const createdAt = new Date(store.clock.now()).toISOString();
  try {
    await store.document.send(
      new PutCommand({
        TableName: store.tables.fleets,
        Item: { ...deploymentKey(), deploymentId, createdAt },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
    return deploymentId;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return (await readDeploymentId(store)) ?? deploymentId;
  }
}

const beatSchema = z.object({
  /** Counter that grows every five minutes; see `countOn`. */
  beat: z.number(),
  /** Number of detected restores of the tables to an earlier time. */
  restores: z.number(),
});
export type Beat = z.infer<typeof beatSchema>;

/** Reads the beat in the tables with a strongly consistent read. */
export async function readBeat(store: Store<'fleets'>): Promise<Beat> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.fleets, Key: beatKey(), ConsistentRead: true }),
  );
  return Item ? beatSchema.parse(Item) : { beat: 0, restores: 0 };
}

/** Writes the next beat. @returns false if another process wrote after `previous` was read */
export async function writeBeat(store: Store<'fleets'>, next: Beat, previous: Beat): Promise<boolean> {
  try {
    await store.document.send(
      new PutCommand({
        TableName: store.tables.fleets,
        Item: { ...beatKey(), ...next },
        ConditionExpression: previous.beat === 0 ? 'attribute_not_exists(pk)' : 'beat = :beat',
        ...(previous.beat === 0 ? {} : { ExpressionAttributeValues: { ':beat': previous.beat } }),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
