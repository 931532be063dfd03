import { type CloudVolume, has } from '../../drivers/contract/capabilities.ts';
import {
  type CloudClient,
  type CloudInstance,
  type CloudNetworkResource,
  NETWORK_RESOURCE_KINDS,
} from '../../drivers/contract/driver.ts';
import { DriverError, type DriverErrorCode } from '../../drivers/contract/errors.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';

/**
 * Maximum time that a list call waits for its permit, in ms. If no permit comes in this time, the sweep's
 * message is sent again with a delay.
 */
const PERMIT_WAIT_MS = 5_000;

/** The machines, volumes and network resources of this deployment that a cloud shows at a site. */
export interface SiteList {
  /** Time immediately before the first call. Records are read after the last answer. */
  atMs: number;
  machines: CloudInstance[];
  resources: CloudNetworkResource[];
  /** Undefined: the driver has no volumes, or the cloud does not list them now. */
  volumes: CloudVolume[] | undefined;
}

/**
 * Lists the machines, network resources and volumes of a site. @throws DriverError if the cloud does not answer, or a
 * call gets no permit
 */
export async function listSite(
  context: WorkerContext,
  site: SiteRef,
  { onTerms }: OpenConnection,
): Promise<SiteList> {
  const client = onTerms({ waitMs: PERMIT_WAIT_MS });
  const atMs = context.store.clock.now();
  const machines = await client.listInstances(site.location);
  const resources: CloudNetworkResource[] = [];
  for (const kind of NETWORK_RESOURCE_KINDS)
    resources.push(...(await client.listNetworkResources(site.location, kind)));
  return { atMs, machines, resources, volumes: await listVolumes(context, site, client) };
}

/** Errors after which the whole sweep of the site is tried again: they do not concern volumes alone. */
const OF_THE_SITE: ReadonlySet<DriverErrorCode> = new Set(['NoPermit', 'Throttled', 'Unauthorized']);

/**
 * Lists the volumes of a site. If the cloud denies the call, lacks it or cannot answer it, the rest of the site is swept
 * all the same.
 */
async function listVolumes(
  context: WorkerContext,
  site: SiteRef,
  client: CloudClient,
): Promise<CloudVolume[] | undefined> {
  if (!has(client, 'volumes')) return undefined;
  try {
    return await client.listVolumes(site.location);
  } catch (error) {
    if (!(error instanceof DriverError) || OF_THE_SITE.has(error.code)) throw error;
    context.log.warn('the volumes of a site could not be listed', {
      ...site,
      code: error.code,
      message: error.message,
    });
    return undefined;
  }
}
