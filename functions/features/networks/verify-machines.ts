import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { GivenMachine } from '../../drivers/contract/machine-checks.ts';
import type { DriverMetadata } from '../../drivers/contract/metadata.ts';
import { DRIVERS } from '../../drivers/registry.ts';
import type { Failure } from '../../model/failure.ts';
import type { FieldError } from '../../model/field-error.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { typesOf } from '../../platform/placement/choose-type.ts';
import type { Placement } from '../../platform/placement/lay-out.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { Progress } from './ensure-resource.ts';
import { hasMarkets, type PointedGroup, refusalOfMarkets } from './verify-markets.ts';

/** Maximum time that a call waits for its permit, in ms. */
const PERMIT_WAIT_MS = 2_000;

/**
 * Verifies the images and identities that a fleet names by the cloud's own ids, and what its markets need, before
 * anything is made at the site.
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
  const groups = await givenAt(context, fleetId, site, opened);
  if (groups.length === 0) return undefined;
  try {
    const client = opened.onTerms({ waitMs: PERMIT_WAIT_MS });
    const failure =
      (await refusalOfMachines(
        client,
        site.location,
        groups.flatMap((one) => givenOf(one, site)),
      )) ??
      (await refusalOfMarkets(
        client,
        site.location,
        groups.filter(({ group }) => hasMarkets(group)),
      ));
    return failure && { failure };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit' || error.code === 'Throttled')
      return { waitMs: error.retryAfterMs ?? 1_000 };
    context.log.warn('images, identities and markets of a fleet could not be verified', {
      fleetId,
      location: site.location,
      code: error.code,
      message: error.message,
    });
    return undefined;
  }
}

interface GivenGroup {
  /** JSON pointer of the node group in the request. */
  pointer: string;
  machine: GivenMachine;
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

function givenOf({ pointer, group }: PointedGroup, { location }: SiteRef): GivenGroup[] {
  return namesIds(group) ? [{ pointer, machine: machineOf(group, location) }] : [];
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
  diskTypesOf(group).length > 0;

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

/** Returns true if the node group names something by the cloud's own id, or has markets that need something. */
export const isGiven = (group: Given): boolean => namesIds(group) || hasMarkets(group);

/**
 * Returns true if the fleet names something by the cloud's own id at the placement's site, or has markets that need something.
 */
export const hasGiven = ({ network, ranges }: Pick<Placement, 'network' | 'ranges'>): boolean =>
  network.mode === 'existing' || ranges.some(({ group }) => isGiven(group));

function machineOf(group: NodeGroup, location: string): GivenMachine {
  const imageId = group.imageIsGiven ? group.imageBackendIds[location] : undefined;
  const types = typesOf(group).filter(({ notOfferedIn = [] }) => !notOfferedIn.includes(location));
  return {
    instanceTypes: types.map(({ name }) => name),
    ...(imageId === undefined ? {} : { imageId }),
    ...(group.identity === undefined ? {} : { identity: group.identity }),
    ...(group.placementGroup === undefined ? {} : { placementGroup: group.placementGroup }),
    diskTypes: diskTypesOf(group),
  };
}

/**
 * Asks the cloud what is wrong with the images and identities of node groups.
 *
 * @returns the failure of the site, with an error for each fault; undefined if nothing is wrong
 * @throws DriverError if the cloud does not answer
 */
export async function refusalOfMachines(
  client: CloudClient,
  location: string,
  groups: readonly GivenGroup[],
): Promise<Failure | undefined> {
  if (!has(client, 'machine-checks')) return undefined;
  const errors: FieldError[] = [];
  for (const { pointer, machine } of groups) {
    const faults = await client.verifyMachine(location, machine);
    errors.push(
      ...faults.map(({ field, code, message }) => ({ pointer: `${pointer}/${field}`, code, message })),
    );
  }
  const [first] = errors;
  if (!first) return undefined;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return { code: 'InvalidRequest', message: `${first.message}${more}`, errors };
}
