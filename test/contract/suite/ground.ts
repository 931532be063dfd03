import type {
  CloudClient,
  InstanceSpec,
  NetworkResourceKind,
} from '../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';

/** The network resources that instances at a location need. */
export interface Ground {
  networkBackendId: string;
  forSpecs: Pick<
    InstanceSpec,
    'networkBackendId' | 'subnetBackendId' | 'securityGroupBackendIds' | 'keyPairBackendId'
  >;
}

export async function layGround(
  client: CloudClient,
  location: string,
  name: string,
  publicKey: string,
): Promise<Ground> {
  const base = { location, name, tags: {} };
  const network = await client.ensureNetwork({ ...base, cidr: '10.20.0.0/16' });
  const group = await client.ensureSecurityGroup({ ...base, networkBackendId: network.backendId, rules: [] });
  const key = await client.ensureKeyPair({ ...base, publicKey });
  return {
    networkBackendId: network.backendId,
    forSpecs: {
      networkBackendId: network.backendId,
      ...(network.subnetBackendId === undefined ? {} : { subnetBackendId: network.subnetBackendId }),
      securityGroupBackendIds: [group.backendId],
      keyPairBackendId: key.backendId,
    },
  };
}

/** The kinds of network resources in the order in which the control plane removes them. */
const IN_ORDER = ['key-pair', 'security-group', 'network'] as const satisfies NetworkResourceKind[];

export async function deleteResource(
  client: CloudClient,
  location: string,
  kind: NetworkResourceKind,
  backendId: string,
): Promise<void> {
  if (kind === 'network') await client.deleteNetwork(location, backendId);
  else if (kind === 'security-group') await client.deleteSecurityGroup(location, backendId);
  else await client.deleteKeyPair(location, backendId);
}

/** The method of `Lab` that `removeGround` uses to wait. */
interface Waiting {
  until<Found>(what: string, read: () => Promise<Found | undefined>): Promise<Found>;
}

/** Removes every network resource of the suite at a location. Repeats a deletion that fails as Conflict. */
export async function removeGround(lab: Waiting, client: CloudClient, location: string): Promise<void> {
  for (const kind of IN_ORDER) {
    await lab.until(`every ${kind} at ${location} is gone`, async () => {
      const left = await client.listNetworkResources(location, kind);
      for (const { backendId } of left) {
        try {
          await deleteResource(client, location, kind, backendId);
        } catch (error) {
          if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
        }
      }
      return left.length === 0 ? true : undefined;
    });
  }
}
