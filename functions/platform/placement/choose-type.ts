import type { GroupType, NodeGroup } from '../../model/fleet.ts';

type Typed = Pick<NodeGroup, 'instanceType' | 'types' | 'vcpus' | 'gpus' | 'memoryGb' | 'pricesUsdPerHour'>;

/** Returns the instance types of a node group in the order of trial. Pure. */
export function typesOf(group: Typed): readonly [GroupType, ...GroupType[]] {
  const [first, ...others] = group.types ?? [];
  if (first) return [first, ...others];
  const { instanceType: name, vcpus = 0, gpus = 0, memoryGb = 0, pricesUsdPerHour } = group;
  return [{ name, vcpus, gpus, memoryGb, pricesUsdPerHour }];
}

/**
 * Returns the instance type of an instance's attempt: the type in its record, else the first one that the location
 * offers. Pure.
 *
 * @param recorded the type in the record. A user may have given the machine a type that the node group does not have
 */
export function typeFor(group: Typed, location: string, recorded: string | undefined): GroupType {
  const types = typesOf(group);
  const known = recorded === undefined ? undefined : types.find(({ name }) => name === recorded);
  return known ?? types.find((type) => isOffered(type, location)) ?? types[0];
}

/**
 * Returns the first instance type that an instance has not tried at the location. Pure.
 *
 * @param tried names of the types that the instance has tried there
 */
export function nextType(group: Typed, location: string, tried: readonly string[]): GroupType | undefined {
  return typesOf(group).find((type) => isOffered(type, location) && !tried.includes(type.name));
}

function isOffered({ notOfferedIn = [] }: GroupType, location: string): boolean {
  return !notOfferedIn.includes(location);
}

type Size = Pick<GroupType, 'vcpus' | 'gpus' | 'memoryGb'>;

/** Returns the most that an instance may have of each resource, over all these types. Pure. */
export const heaviestType = (types: readonly Size[]): Size => extremes(types, Math.max);

/** Returns the least that an instance may have of each resource, over all these types. Pure. */
export const lightestType = (types: readonly Size[]): Size => extremes(types, Math.min);

function extremes(types: readonly Size[], extreme: (...values: number[]) => number): Size {
  const of = (resource: keyof Size) => extreme(...types.map((type) => type[resource]));
  return { vcpus: of('vcpus'), gpus: of('gpus'), memoryGb: of('memoryGb') };
}
