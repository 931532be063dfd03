import { INSTANCE_TAG, type InstanceSpec } from '../../drivers/contract/driver.ts';
import { parseInstanceId } from '../../model/identifiers.ts';

/**
 * Groups create requests into batches, one for each create call. The requests of a batch belong to one fleet,
 * differ only in their ids, and are sorted by launch token. The batches do not depend on the order of the
 * input.
 */
export function batchesOf<Wanted extends { spec: InstanceSpec }>(
  wanted: readonly Wanted[],
  maxBatchSize: number,
): Wanted[][] {
  const inOrder = wanted.toSorted((one, other) => (one.spec.launchToken < other.spec.launchToken ? -1 : 1));
  const alike = Map.groupBy(inOrder, ({ spec }) => likeness(spec));
  return [...alike.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / maxBatchSize) }, (_, at) =>
      group.slice(at * maxBatchSize, (at + 1) * maxBatchSize),
    ),
  );
}

function likeness({ instanceId, launchToken: _token, tags, ...rest }: InstanceSpec): string {
  const { [INSTANCE_TAG]: _instance, ...common } = tags;
  return JSON.stringify([parseInstanceId(instanceId)?.fleetId, sorted(rest), sorted(common)]);
}

const sorted = (fields: object) => Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
