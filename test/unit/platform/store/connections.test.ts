import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DriverName } from '../../../../functions/model/connection.ts';
import {
  allConnections,
  connectionsOfDriver,
  createConnection,
  EARLIER_PARTITION,
  hasConnections,
  listConnections,
  type NewConnection,
  readConnection,
  readConnectionOf,
  refuseEarlierConnections,
} from '../../../../functions/platform/store/connections.ts';
import { createNamespace } from '../../../../functions/platform/store/namespaces.ts';
import { updateConnection } from '../../../../functions/platform/store/update-connection.ts';
import { accessTable, ClientLoans } from './fleets-table.ts';

const loans = new ClientLoans();
afterEach(() => loans.takeBack());
let store = accessTable(loans);
beforeEach(async () => {
  store = accessTable(loans);
  await createNamespace(store, { name: 'default' });
});

const wanted = (name: string, driver: DriverName): NewConnection => ({
  namespace: 'default',
  name,
  driver,
  cloud: 'aws',
  status: 'Ready',
  createdAt: new Date(0).toISOString(),
});

describe('connections of several drivers', () => {
  it('a name belongs to one driver at a time', async () => {
    expect(await createConnection(store, wanted('cloud', 'aws'))).toBeDefined();
    expect(await createConnection(store, wanted('cloud', 'sim'))).toBeUndefined();
    expect(await createConnection(store, wanted('cloud', 'aws'))).toBeUndefined();
    expect(await readConnection(store, 'default', 'cloud')).toMatchObject({ driver: 'aws' });
    const ofSim = { driver: 'sim', namespace: 'default', name: 'cloud' } as const;
    expect(await readConnectionOf(store, ofSim)).toBeUndefined();
  });

  it('of two concurrent requests for one name with different drivers, one is refused', async () => {
    const made = await Promise.all([
      createConnection(store, wanted('cloud', 'openstack')),
      createConnection(store, wanted('cloud', 'cb-spider')),
    ]);
    expect(made.filter((one) => one !== undefined)).toHaveLength(1);
    expect(await allConnections(store)).toHaveLength(1);
  });

  it('a record without a secret is replaced by a connection of another driver, and only one record remains', async () => {
    const first = await createConnection(store, wanted('cloud', 'aws'));
    expect(await createConnection(store, wanted('cloud', 'sim'), first)).toMatchObject({ driver: 'sim' });
    expect(await allConnections(store)).toMatchObject([{ name: 'cloud', driver: 'sim' }]);
    // The first request is late: its record is no longer there to be replaced.
    expect(await createConnection(store, wanted('cloud', 'openstack'), first)).toBeUndefined();
  });

  it('a record whose secret is stored is not replaced by a connection of another driver', async () => {
    const first = await createConnection(store, wanted('cloud', 'aws'));
    if (!first) throw new Error('the connection was not made');
    await updateConnection(store, first, { credentialVersion: 1 });
    expect(await createConnection(store, wanted('cloud', 'sim'), first)).toBeUndefined();
    expect(await readConnection(store, 'default', 'cloud')).toMatchObject({ driver: 'aws' });
  });

  it('pages list the connections of all drivers in the order of their names, each once', async () => {
    const drivers = ['sim', 'aws', 'openstack', 'cb-spider'] as const;
    const names = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf'];
    for (const [at, name] of names.entries())
      await createConnection(store, wanted(name, drivers[(at * 3) % 4] ?? 'sim'));
    for (const limit of [1, 2, 3, 7, 100]) {
      const listed: string[] = [];
      let cursor: string | null | undefined;
      let pages = 0;
      do {
        const page = await listConnections(store, 'default', { limit, cursor: cursor ?? undefined });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        listed.push(...page.items.map(({ name }) => name));
        cursor = page.cursor;
        pages += 1;
      } while (cursor !== null && pages < 20);
      expect(listed, `limit ${limit}`).toEqual(names);
    }
    expect(await hasConnections(store, 'default')).toBe(true);
    expect(await hasConnections(store, 'other')).toBe(false);
    expect((await connectionsOfDriver(store, 'aws')).map(({ driver }) => driver)).toEqual(
      expect.arrayContaining(['aws']),
    );
  });
});

describe('refuseEarlierConnections', () => {
  it('tables with a connection of release 0.2.0 are refused, and other tables are not', async () => {
    await createConnection(store, wanted('cloud', 'aws'));
    await refuseEarlierConnections(store);
    const Item = { pk: EARLIER_PARTITION, sk: 'default/old', name: 'old' };
    await store.document.send(new PutCommand({ TableName: store.tables.access, Item }));
    await expect(refuseEarlierConnections(store)).rejects.toThrow('connections of release 0.2.0');
  });
});
