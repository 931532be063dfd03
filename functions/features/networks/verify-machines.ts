import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { faultsOfAll, type GivenMachine } from '../../drivers/contract/machine-checks.ts';
import type { DriverMetadata } from '../../drivers/contract/metadata.ts';
import { DRIVERS } from '../../drivers/registry.ts';
import { encryptionKeysOf } from '../../model/disk.ts';
import type { Failure } from '../../model/failure.ts';
import type { FieldError } from '../../model/field-error.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { typesOf } from '../../platform/placement/choose-type.ts';
import type { Placement } from '../../platform/placement/lay-out.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { Progress } from './ensure-resource.ts';
import { hasMarkets, marketErrors, type PointedGroup } from './verify-markets.ts';

/** Maximum time that a call waits for its permit, in ms. */
const PERMIT_WAIT_MS = 2_000;

/**
 * Verifies what a fleet names for its machines, before anything is made at the site.
 * If the cloud does not answer, or denies the reads, nothing is known, and a launch shows what is wrong.
 *
 * @returns undefined if nothing is known to be wrong
 */
export async function verifyMachines(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
  opened: OpenConnection,
): Promise<Exclude<Progress, 'ready'> | undefined> {
  try {
    const failure = await refusalOfMachines(context, fleetId, site, opened);
    return failure && { failure };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit' || error.code === 'Throttled')
      return { waitMs: error.retryAfterMs ?? 1_000 };
    context.log.warn('what a fleet names for its machines could not be verified', {
      fleetId,
      location: site.location,
      code: error.code,
      message: error.message,
    });
    return undefined;
  }
}

/**
 * Asks the cloud what is wrong with what a fleet names by the cloud's own ids for its machines (images, identities,
 * placement groups, disk types, encryption keys), and with its markets.
 *
 * @returns the failure of the site, with an error for each fault; undefined if nothing is wrong
 * @throws DriverError if the cloud does not answer, and nothing is known to be wrong
 */
export async function refusalOfMachines(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
  opened: OpenConnection,
): Promise<Failure | undefined> {
  const groups = await givenAt(context, fleetId, site, opened);
  if (groups.length === 0) return undefined;
  const client = opened.onTerms({ waitMs: PERMIT_WAIT_MS });
  return refusalWith(await errorsOf(client, site.location, groups));
}

/** Returns the failure of a site with these errors; undefined if there is none. */
export function refusalWith(errors: FieldError[]): Failure | undefined {
  const [first] = errors;
  if (!first) return undefined;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return { code: 'InvalidRequest', message: `${first.message}${more}`, errors };
}

/** Returns the node groups at the site that the cloud has to be asked about. */
async function givenAt(
  context: WorkerContext,
  fleetId: string,
  { location }: SiteRef,
  { connection }: OpenConnection,
): Promise<PointedGroup[]> {
  const { nodeGroups } = await context.layout(fleetId);
  return nodeGroups.flatMap((group, at) =>
    group.connection === connection.name && group.locations.includes(location) && isGiven(group)
      ? [{ pointer: `/nodeGroups/${at}`, group }]
      : [],
  );
}

type Given = Pick<
  NodeGroup,
  'imageIsGiven' | 'identity' | 'placementGroup' | 'rootDisk' | 'dataDisks' | 'driver' | 'markets'
>;

/** Returns true if the node group names something that only the cloud can check. */
const namesIds = (group: Given): boolean =>
  group.imageIsGiven === true ||
  group.identity !== undefined ||
  group.placementGroup !== undefined ||
  diskTypesOf(group).length > 0 ||
  dataDisksOf(group) > 0 ||
  encryptionKeysOf(group).length > 0;

/** Returns the disk types that a group names. None where the API has compared them with the driver's metadata. */
function diskTypesOf({ driver, rootDisk, dataDisks = [] }: Given): NonNullable<GivenMachine['diskTypes']> {
  const { diskTypes }: DriverMetadata = DRIVERS[driver];
  if (diskTypes) return [];
  const named = [
    { field: 'rootDisk/type' as const, name: rootDisk?.type },
    ...dataDisks.map(({ type: name }, at) => ({ field: `dataDisks/${at}/type` as const, name })),
  ];
  return named.flatMap(({ field, name }) => (name === undefined ? [] : [{ field, name }]));
}

/** Returns the number of a group's data disks, where only the cloud knows whether it has any. */
const dataDisksOf = ({ driver, dataDisks = [] }: Given): number => {
  const { diskTypes }: DriverMetadata = DRIVERS[driver];
  return diskTypes ? 0 : dataDisks.length;
};

/** Returns true if the node group names something by the cloud's own id, or has markets that need something. */
export const isGiven = (group: Given): boolean => namesIds(group) || hasMarkets(group);

/**
 * Returns true if the fleet names something by the cloud's own id at the placement's site, or has markets that need something.
 */
export const hasGiven = ({ network, ranges }: Pick<Placement, 'network' | 'ranges'>): boolean =>
  network.mode === 'existing' || ranges.some(({ group }) => isGiven(group));

function rootDiskSizeOf({ rootDisk, rootDiskGb }: NodeGroup): Pick<GivenMachine, 'rootDisk'> {
  if (rootDisk?.sizeGb !== undefined)
    return { rootDisk: { field: 'rootDisk/sizeGb', sizeGb: rootDisk.sizeGb } };
  return rootDiskGb === undefined ? {} : { rootDisk: { field: 'rootDiskGb', sizeGb: rootDiskGb } };
}

function machineOf(group: NodeGroup, location: string): GivenMachine {
  const imageId = group.imageIsGiven ? group.imageBackendIds[location] : undefined;
  const types = typesOf(group).filter(({ notOfferedIn = [] }) => !notOfferedIn.includes(location));
  return {
    instanceTypes: types.map(({ name }) => name),
    ...(imageId === undefined ? {} : { imageId, ...rootDiskSizeOf(group) }),
    ...(group.identity === undefined ? {} : { identity: group.identity }),
    ...(group.placementGroup === undefined ? {} : { placementGroup: group.placementGroup }),
    diskTypes: diskTypesOf(group),
    dataDisks: dataDisksOf(group),
    encryptionKeys: encryptionKeysOf(group),
  };
}

/**
 * Asks the cloud what is wrong with what node groups name for their machines and with their markets.
 *
 * @throws DriverError if the cloud does not answer, and nothing is known to be wrong
 */
export async function errorsOf(
  client: CloudClient,
  location: string,
  groups: readonly PointedGroup[],
): Promise<FieldError[]> {
  return await faultsOfAll<FieldError>(
    groups.flatMap((one) => [
      () => machineErrors(client, location, one),
      () => marketErrors(client, location, one),
    ]),
  );
}

async function machineErrors(
  client: CloudClient,
  location: string,
  { pointer, group }: PointedGroup,
): Promise<FieldError[]> {
  if (!has(client, 'machine-checks') || !namesIds(group)) return [];
  const faults = await client.verifyMachine(location, machineOf(group, location));
  return faults.map(({ field, code, message }) => ({ pointer: `${pointer}/${field}`, code, message }));
}
