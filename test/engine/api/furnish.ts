import { connectionKey } from '../../../functions/model/identifiers.ts';
import { createConnection, type NewConnection } from '../../../functions/platform/store/connections.ts';
import { createNamespace } from '../../../functions/platform/store/namespaces.ts';
import type { Store } from '../../../functions/platform/store/store.ts';
import { replaceLocations, replaceOffers } from '../../../functions/platform/store/write-catalogue.ts';

const site = { country: 'USA', latitude: 40, longitude: -80 };

/**
 * Writes a namespace with two connections. `sim-aws` is Ready, and has two available locations and one
 * unavailable location. `sim-gcp` is Verifying.
 */
export async function furnish(store: Store, namespace: string): Promise<void> {
  await createNamespace(store, { name: namespace });
  const connection: NewConnection = {
    namespace,
    name: 'sim-aws',
    driver: 'sim',
    cloud: 'aws',
    status: 'Ready',
    credentialVersion: 1,
    createdAt: '2026-01-01T00:00:00Z',
    verifiedAt: '2026-01-01T00:00:01Z',
    inventorySyncedAt: '2026-01-01T00:00:02Z',
  };
  await createConnection(store, connection);
  const { verifiedAt: _, ...unverified } = connection;
  await createConnection(store, { ...unverified, name: 'sim-gcp', cloud: 'gcp', status: 'Verifying' });
  const key = connectionKey({ driver: 'sim', namespace, name: 'sim-aws' });
  await replaceLocations(store, key, [
    { name: 'us-east-1', displayName: 'N. Virginia', zones: ['us-east-1a'], available: true, ...site },
    { name: 'us-west-2', displayName: 'Oregon', zones: ['us-west-2a'], available: true, ...site },
    { name: 'eu-down-1', displayName: 'Nowhere', zones: [], available: false, ...site },
  ]);
  for (const location of ['us-east-1', 'us-west-2']) {
    await replaceOffers(store, key, location, {
      instanceTypes: [
        { name: 'm6i.large', vcpus: 2, memoryGb: 8, architecture: 'x86_64' },
        { name: 'm7g.large', vcpus: 2, memoryGb: 8, architecture: 'arm64' },
      ],
      offers: [
        {
          id: `${location}-noZone-m6i.large`,
          location,
          instanceType: 'm6i.large',
          priceUsdPerHour: 0.1,
          available: true,
        },
        ...(location === 'us-east-1'
          ? [
              {
                id: `${location}-noZone-m7g.large`,
                location,
                instanceType: 'm7g.large',
                priceUsdPerHour: 0.08,
                available: true,
              },
            ]
          : []),
      ],
      images: [
        {
          name: 'ubuntu-24.04',
          location,
          backendId: `ami-${location}`,
          description: 'Ubuntu',
          architectures: ['x86_64'],
          available: true,
        },
      ],
    });
  }
}

export function fleetBody(name: string, group: Record<string, unknown> = {}) {
  return {
    name,
    nodeGroups: [
      {
        name: 'web',
        size: 3,
        connection: 'sim-aws',
        locations: ['us-east-1', 'us-west-2'],
        instanceType: 'm6i.large',
        image: 'ubuntu-24.04',
        ...group,
      },
    ],
  };
}
