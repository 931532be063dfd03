import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type CreateOutcome, has } from '../../../../functions/drivers/contract/capabilities.ts';
import type { CloudClient, InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { machineName } from '../../../../functions/drivers/contract/names.ts';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import { type Asked, clientOf, fault, json, REGION } from './cloud-double.ts';

const FLEET = 'f0123456789abcdef';
const idOf = (index: number, fleetId = FLEET) => instanceId({ fleetId, index });
const CREATE = 'POST nova /v2.1/servers';
const LIST = 'GET nova /v2.1/servers/detail';
const RESERVED = () => json({ reservation_id: 'r-1' }, 202);

const catalogue = {
  'GET nova /v2.1/flavors/detail': () =>
    json({ flavors: [{ id: 'f1', name: 'm1.small', vcpus: 1, ram: 512, disk: 10 }] }),
  'GET glance /v2/images/i1': () => json({ id: 'i1', status: 'active', created_at: 'x' }),
};

function spec(id: string, attempt = 1): InstanceSpec {
  return {
    location: REGION,
    instanceId: id,
    launchToken: `${id}.${attempt}`,
    instanceType: 'm1.small',
    imageBackendId: 'i1',
    networkBackendId: 'n1',
    securityGroupBackendIds: ['g1'],
    keyPairBackendId: 'k1',
    tags: { team: 'a', 'fleetwright:instance': id },
  };
}

const requestSchema = z.object({
  server: z.object({ name: z.string(), metadata: z.looseObject({}), min_count: z.int().default(1) }),
});

/**
 * Returns the servers that Nova creates for one request for several servers. The servers have the same
 * metadata, and Nova numbers their names.
 */
function serversOf(request: Asked | undefined): object[] {
  const { server } = requestSchema.parse(request?.body);
  return Array.from({ length: server.min_count }, (_, at) => ({
    id: `s${at + 1}`,
    name: `${server.name}-${at + 1}`,
    status: 'BUILD',
    created: '2026-01-01T00:00:00Z',
    metadata: server.metadata,
  }));
}

async function createAll(client: CloudClient, specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
  if (!has(client, 'batch-create')) throw new TypeError('the client cannot create batches');
  return await client.createInstances(specs);
}

const codesOf = (outcomes: readonly CreateOutcome[]) =>
  outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : outcome.instance.backendId));
const creates = (asked: readonly Asked[]) =>
  asked.filter(({ method, what }) => `${method} ${what}` === CREATE);

describe('createInstances', () => {
  const specs = [3, 1, 7].map((index) => spec(idOf(index)));

  test("a batch is created by one request, and the number in a server's name identifies the server's launch", async () => {
    const { client, asked } = clientOf({
      ...catalogue,
      [CREATE]: RESERVED,
      [LIST]: () => json({ servers: serversOf(creates(asked)[0]).reverse() }),
    });
    const outcomes = await createAll(client, specs);
    expect(outcomes).toMatchObject(
      specs.map(({ instanceId: id, launchToken }, at) => ({
        instance: { backendId: `s${at + 1}`, instanceId: id, launchToken },
      })),
    );
    expect(creates(asked)).toMatchObject([
      {
        body: {
          server: {
            name: machineName('test', `${idOf(3)}.1`),
            min_count: 3,
            max_count: 3,
            return_reservation_id: true,
            tags: specs.map(({ launchToken }) => launchToken),
          },
        },
      },
    ]);
    expect(JSON.stringify(creates(asked)[0]?.body)).not.toContain('fleetwright:instance');
    expect(asked.at(-1)?.what).toContain('reservation_id=r-1');
  });

  test('a server of a batch is found by its token until a user renames the server', async () => {
    const { client, asked } = clientOf({
      ...catalogue,
      [CREATE]: RESERVED,
      [LIST]: () => json({ servers: serversOf(creates(asked)[0]).map((one) => ({ ...one, ...over })) }),
    });
    let over = {};
    await createAll(client, specs);
    const found = await client.findInstanceByToken(REGION, `${idOf(1)}.1`);
    expect(found).toMatchObject({ backendId: 's2', instanceId: idOf(1) });
    over = { name: 'web-2' };
    expect(await client.findInstanceByToken(REGION, `${idOf(1)}.1`)).toBeUndefined();
    const [renamed] = await client.listInstances(REGION);
    expect(renamed).toEqual({
      backendId: 's1',
      status: 'Creating',
      cloudStatus: 'BUILD',
      createdAtMs: Date.UTC(2026, 0, 1),
    });
  });

  test('if a batch exceeds the quota, the driver makes one request for each server', async () => {
    const { client, asked } = clientOf({
      ...catalogue,
      [CREATE]: () =>
        creates(asked).length === 2
          ? json({ server: { id: 's9' } }, 202)
          : fault('forbidden', 403, 'Quota exceeded for instances: Requested 3'),
    });
    expect(codesOf(await createAll(client, specs))).toEqual(['s9', 'QuotaExceeded', 'QuotaExceeded']);
  });

  test('if the request of a batch fails, every launch of the batch fails with the same error', async () => {
    const refused = clientOf({ ...catalogue, [CREATE]: () => fault('badRequest', 400, 'no') });
    expect(codesOf(await createAll(refused.client, specs))).toEqual(specs.map(() => 'InvalidRequest'));
    expect(creates(refused.asked)).toHaveLength(1);
    const broken = clientOf({ ...catalogue, [CREATE]: () => json({}, 500) });
    expect(codesOf(await createAll(broken.client, specs))).toEqual(specs.map(() => 'OutcomeUnknown'));
    const unlisted = clientOf({ ...catalogue, [CREATE]: RESERVED, [LIST]: () => json({}, 503) });
    expect(codesOf(await createAll(unlisted.client, specs))).toEqual(specs.map(() => 'OutcomeUnknown'));
  });

  test('if Nova does not list a server of a batch, the launch of that server fails as OutcomeUnknown', async () => {
    const { client, asked } = clientOf({
      ...catalogue,
      [CREATE]: RESERVED,
      [LIST]: () => json({ servers: serversOf(creates(asked)[0]).slice(1) }),
    });
    expect(codesOf(await createAll(client, specs))).toEqual(['OutcomeUnknown', 's2', 's3']);
  });
});

test('launches of different attempts or of different fleets are created by separate requests', async () => {
  const other = 'ffedcba9876543210';
  const specs = [spec(idOf(1), 2), spec(idOf(2)), spec(idOf(3, other)), spec(idOf(4), 2)];
  const { client, asked } = clientOf({
    ...catalogue,
    [CREATE]: ({ body }) => json({ server: { id: requestSchema.parse(body).server.name } }, 202),
  });
  expect(codesOf(await createAll(client, specs))).toEqual(
    specs.map(({ launchToken }) => machineName('test', launchToken)),
  );
  expect(creates(asked)).toHaveLength(4);
});
