import type { Failure } from '../../model/failure.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import type { QuotaSubject } from '../../model/quota-subject.ts';
import { nextType, typeFor } from '../../platform/placement/choose-type.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { NextAttempt } from '../../platform/store/move.ts';

/** True for each quota that another instance type may have room in. */
const IS_OF_THE_TYPE: Readonly<Record<QuotaSubject, boolean>> = {
  family: true,
  vcpus: true,
  memoryGb: true,
  spot: false,
  instances: false,
  addresses: false,
  networks: false,
  volumes: false,
  account: false,
};

/**
 * Returns the next attempt of an instance whose attempt failed for a reason of its instance type: another attempt at
 * the location, with the next type of the node group and in any zone. Pure.
 *
 * @returns undefined if the failure does not concern the type, or no type is left
 */
export function nextTypeStep(
  group: NodeGroup,
  record: Pick<InstanceItem, 'location' | 'instanceType' | 'triedTypes' | 'exceededQuota'>,
  failure: Failure,
): NextAttempt | undefined {
  const { location, triedTypes = [], exceededQuota } = record;
  if (!concernsType({ quotaOf: exceededQuota?.of, ...failure })) return undefined;
  const tried = [...triedTypes, typeFor(group, location, record.instanceType).name];
  const next = nextType(group, location, tried);
  if (!next) return undefined;
  // What the cloud said about smaller calls and about a quota concerns the earlier type.
  const forgotten = { triedZones: [], callLimit: undefined, quotaTries: undefined };
  return { ...forgotten, instanceType: next.name, triedTypes: tried };
}

/** Returns true if an attempt with another instance type at the same location may succeed after this failure. Pure. */
export function concernsType({ code, scope, quotaOf = 'family' }: Failure): boolean {
  if (code === 'QuotaExceeded') return IS_OF_THE_TYPE[quotaOf];
  // A policy may deny one type only. The governor remembers denials by type.
  if (code === 'Forbidden') return scope !== 'launch';
  return code === 'InsufficientCapacity' || code === 'Unsupported';
}
