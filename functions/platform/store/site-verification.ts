import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Failure } from '../../model/failure.ts';
import type { PlacementRef } from './counters.ts';
import { placementKey } from './keys.ts';
import { reasonOf } from './placements.ts';
import type { Store } from './store.ts';

/**
 * What a look at a site has shown of what the fleet names there by the cloud's own ids. `verified`: all of it is in
 * order. `of` says whether the failure is of this site, or of another one of the fleet.
 */
export type Verification = 'verified' | { failure: Failure; of: 'this' | 'another' };

/**
 * Records the outcome of a round's verification of a site. A failure of another site is recorded only if the placement
 * has none. Does nothing if launching is not on at the placement for this round.
 */
export async function recordVerification(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: PlacementRef,
  round: number,
  outcome: Verification,
): Promise<void> {
  const isOpen = 'launching = :on AND #round = :round';
  const isVerified = outcome === 'verified';
  const mayReplace = isVerified || outcome.of === 'this';
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.fleets,
        Key: placementKey(fleetId, connectionKey, location),
        UpdateExpression: isVerified ? 'SET verifiedRound = :round' : 'SET blocked = :blocked',
        ConditionExpression: mayReplace ? isOpen : `${isOpen} AND attribute_not_exists(blocked)`,
        ExpressionAttributeNames: { '#round': 'round' },
        ExpressionAttributeValues: {
          ':on': 'on',
          ':round': round,
          ...(isVerified ? {} : { ':blocked': reasonOf(outcome.failure) }),
        },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}
