import { INSTANCE_TAG, type InstanceSpec } from '../../drivers/contract/driver.ts';
import { parseLaunchToken } from '../../model/identifiers.ts';

/** Requests of later attempts share a call only with requests of the same attempt. Their tags would get too long. */
const MOST_MIXED_ATTEMPTS = 8;

/**
 * Groups create requests into batches, one for each create call. The requests of a batch belong to one fleet,
 * differ only in their ids, and are sorted by attempt and launch token. The batches do not depend on the order of the
 * input.
 */
export function batchesOf<Wanted extends { spec: InstanceSpec }>(
  wanted: readonly Wanted[],
  maxBatchSize: number,
): Wanted[][] {
  const inOrder = wanted
    .toSorted((one, other) => (one.spec.launchToken < other.spec.launchToken ? -1 : 1))
    .toSorted((one, other) => attemptOf(one.spec) - attemptOf(other.spec));
  const alike = Map.groupBy(inOrder, ({ spec }) => likeness(spec));
  return [...alike.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / maxBatchSize) }, (_, at) =>
      group.slice(at * maxBatchSize, (at + 1) * maxBatchSize),
    ),
  );
}

function likeness({ instanceId: _id, launchToken, tags, ...rest }: InstanceSpec): string {
  const { [INSTANCE_TAG]: _instance, ...common } = tags;
  const { fleetId, attempt = 0 } = parseLaunchToken(launchToken) ?? {};
  const apart = attempt > MOST_MIXED_ATTEMPTS ? [attempt] : [];
  return JSON.stringify([fleetId, ...apart, sorted(rest), sorted(common)]);
}

const attemptOf = ({ launchToken }: InstanceSpec): number => parseLaunchToken(launchToken)?.attempt ?? 0;

const sorted = (fields: object) => Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
