import { FLEET_TAG, GROUP_TAG, INSTANCE_TAG, type InstanceSpec } from '../../drivers/contract/driver.ts';
import { parseLaunchToken } from '../../model/identifiers.ts';

/** Requests of later attempts share a call only with requests of the same attempt. Their tags would get too long. */
const MOST_MIXED_ATTEMPTS = 8;

/** How many machines one create call makes. */
export interface BatchSizes {
  /** Maximum number of machines. */
  most: number;
  /** Maximum number of machines if they belong to several fleets; 0: the machines of a call belong to one fleet. */
  mostShared: number;
}

/**
 * Groups create requests into batches, one for each create call. The requests of a batch differ only in their ids, and
 * in the tags with the names of their fleet and node group if they belong to several fleets. They are sorted by attempt
 * and launch token. The batches do not depend on the order of the input.
 */
export function batchesOf<Wanted extends { spec: InstanceSpec }>(
  wanted: readonly Wanted[],
  { most, mostShared }: BatchSizes,
): Wanted[][] {
  const inOrder = wanted
    .toSorted((one, other) => (one.spec.launchToken < other.spec.launchToken ? -1 : 1))
    .toSorted((one, other) => attemptOf(one.spec) - attemptOf(other.spec));
  const mayShare = mostShared > 1 && new Set(inOrder.map(({ spec }) => fleetOf(spec))).size > 1;
  const alike = Map.groupBy(inOrder, ({ spec }) =>
    mayShare && mayShareCalls(spec) ? likenessOverFleets(spec) : likeness(spec),
  );
  return [...alike.values()].flatMap((group) => {
    const isShared = group.some(({ spec }) => fleetOf(spec) !== fleetOf(group[0]?.spec));
    const size = isShared ? Math.min(most, mostShared) : most;
    return Array.from({ length: Math.ceil(group.length / size) }, (_, at) =>
      group.slice(at * size, (at + 1) * size),
    );
  });
}

/** Returns true if a machine may be made by a call for several fleets, where the cloud allows that. */
export const mayShareCalls = (spec: InstanceSpec): boolean => attemptOf(spec) <= MOST_MIXED_ATTEMPTS;

/** Returns the same text for requests of one fleet that may share a call. */
function likeness(spec: InstanceSpec): string {
  const { launchToken, tags, ...rest } = ofRequest(spec);
  const { fleetId, attempt = 0 } = parseLaunchToken(launchToken) ?? {};
  const apart = attempt > MOST_MIXED_ATTEMPTS ? [attempt] : [];
  return JSON.stringify([fleetId, ...apart, sorted(rest), sorted(tags)]);
}

/** Returns the same text for requests of any fleets that may share a call. It does not depend on any id. */
export function likenessOverFleets(spec: InstanceSpec): string {
  const { launchToken: _token, tags, ...rest } = ofRequest(spec);
  const { [FLEET_TAG]: _fleet, [GROUP_TAG]: _group, ...common } = tags;
  return JSON.stringify([sorted(rest), sorted(common)]);
}

function ofRequest({ instanceId: _id, tags, ...rest }: InstanceSpec) {
  const { [INSTANCE_TAG]: _instance, ...others } = tags;
  return { ...rest, tags: others };
}

const attemptOf = ({ launchToken }: InstanceSpec): number => parseLaunchToken(launchToken)?.attempt ?? 0;
const fleetOf = (spec: InstanceSpec | undefined): string | undefined =>
  spec && parseLaunchToken(spec.launchToken)?.fleetId;

const sorted = (fields: object) => Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
