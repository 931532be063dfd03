import { INSTANCE_TAG, type InstanceSpec } from '../drivers/driver.ts';

/** Puts together what one create call of the cloud can make: specs that are alike but for whose machine it is. */
export function batchesOf<Wanted extends { spec: InstanceSpec }>(
  wanted: readonly Wanted[],
  maxBatchSize: number,
): Wanted[][] {
  const alike = Map.groupBy(wanted, ({ spec }) => likeness(spec));
  return [...alike.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / maxBatchSize) }, (_, at) =>
      group.slice(at * maxBatchSize, (at + 1) * maxBatchSize),
    ),
  );
}

function likeness({ instanceId: _id, launchToken: _token, tags, ...rest }: InstanceSpec): string {
  const { [INSTANCE_TAG]: _instance, ...common } = tags;
  return JSON.stringify([sorted(rest), sorted(common)]);
}

const sorted = (fields: object) => Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
