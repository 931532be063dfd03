import * as z from 'zod';
import { instanceId, parseLaunchToken } from '../../model/identifiers.ts';
import { type CloudInstance, INSTANCE_TAG } from '../contract/driver.ts';
import { tokenAt } from '../contract/launch-list.ts';
import { parseMachineName } from '../contract/names.ts';
import { boundQuota } from '../contract/quota.ts';
import { isOf } from './owner.ts';
import { isQuotaWords, quotaOf } from './quota-words.ts';
import { instanceStatusOf } from './statuses.ts';

export const LAUNCH_TOKEN_TAG = 'fleetwright:launch-token';

const addressSchema = z.object({
  addr: z.string(),
  version: z.number(),
  'OS-EXT-IPS:type': z.enum(['fixed', 'floating']).catch('fixed'),
});

export const serverSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  status: z.string(),
  'OS-EXT-STS:task_state': z.string().nullish(),
  'OS-EXT-AZ:availability_zone': z.string().nullish(),
  created: z.iso.datetime(),
  metadata: z.record(z.string(), z.string()),
  addresses: z.record(z.string(), z.array(addressSchema)).default({}),
  flavor: z.object({ original_name: z.string() }).optional(),
  fault: z.object({ message: z.string() }).optional(),
});
export type Server = z.output<typeof serverSchema>;

/** A server as an item of a list. If the server's cell is down, the item has only the id and the status UNKNOWN. */
export const listedServerSchema = z.union([
  serverSchema,
  z.object({ id: z.string().min(1), status: z.literal('UNKNOWN') }),
]);

/** Converts a server. @returns undefined for a server outside this deployment */
export function cloudInstance(server: Server, deploymentId: string): CloudInstance | undefined {
  const { metadata, flavor, fault } = server;
  const named = parseMachineName(deploymentId, server.name);
  if (!isOf(deploymentId, metadata, named !== undefined)) return undefined;
  const status = instanceStatusOf(server.status, server['OS-EXT-STS:task_state'] ?? undefined);
  const launchToken = tokenOf(server, deploymentId) ?? named?.launchToken;
  const id = metadata[INSTANCE_TAG] ?? instanceOf(launchToken);
  const zone = server['OS-EXT-AZ:availability_zone'];
  const publicIp = addressOf(server, 'floating');
  const privateIp = addressOf(server, 'fixed');
  const ipv6 = addressOf(server, 'fixed', 6);
  return {
    backendId: server.id,
    status,
    createdAtMs: Date.parse(server.created),
    cloudStatus: server.status,
    ...(id === undefined ? {} : { instanceId: id }),
    ...(launchToken === undefined ? {} : { launchToken }),
    ...(zone ? { zone } : {}),
    ...(flavor ? { instanceType: flavor.original_name } : {}),
    ...(publicIp === undefined ? {} : { publicIp }),
    ...(privateIp === undefined ? {} : { privateIp }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(status === 'Failed' && fault ? failureOf(fault) : {}),
  };
}

/**
 * Returns why a server is in ERROR. Nova checks quotas again after it has accepted a server, and puts a server beyond a
 * quota into ERROR. Ports and volumes of a server may exceed a quota, too.
 */
function failureOf({ message }: NonNullable<Server['fault']>) {
  if (!isQuotaWords(message)) return { failureMessage: message };
  const quota = quotaOf(message);
  return {
    failureMessage: message,
    failureCode: 'QuotaExceeded' as const,
    ...(quota === undefined ? {} : { failureQuota: boundQuota(quota) }),
  };
}

/**
 * Reads a server's launch token. All servers of one batch request have the same list of launch tokens in their
 * metadata. Nova numbers the servers' names from 1, and this number selects the server's own token. If a user has
 * renamed such a server, its token is unknown.
 */
function tokenOf({ metadata, name }: Server, deploymentId: string): string | undefined {
  const value = metadata[LAUNCH_TOKEN_TAG];
  if (value === undefined) return undefined;
  const [, base = '', number] = /^(.+)-([1-9][0-9]*)$/.exec(name) ?? [];
  const first = parseMachineName(deploymentId, base)?.launchToken;
  const isNumbered = first !== undefined && first === tokenAt([value], 0);
  return tokenAt([value], isNumbered ? Number(number) - 1 : undefined);
}

function instanceOf(launchToken: string | undefined): string | undefined {
  const ref = launchToken === undefined ? undefined : parseLaunchToken(launchToken);
  return ref && instanceId(ref);
}

/** Returns the first address of this kind, and of this version, IPv4 before IPv6. */
function addressOf({ addresses }: Server, kind: 'fixed' | 'floating', version?: 4 | 6): string | undefined {
  const [first] = Object.values(addresses)
    .flat()
    .filter((one) => one['OS-EXT-IPS:type'] === kind && (version ?? one.version) === one.version)
    .sort((one, other) => one.version - other.version);
  return first?.addr;
}
