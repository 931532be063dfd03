import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { networkName } from '../../../functions/features/networks/network-names.ts';
import { readFleetItem, updateFleet } from '../../../functions/platform/store/fleets.ts';
import { intendNetwork } from '../../../functions/platform/store/networks.ts';
import { writeOrphan } from '../../../functions/platform/store/orphans.ts';
import { openPlacement } from '../../../functions/platform/store/placements.ts';
import { writeSweepConnection, writeSweepSite } from '../../../functions/platform/store/sweeps.ts';
import { useTables } from '../tables.ts';
import { fleetBody, furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

const store = useTables();
const gateway = new Gateway(store);
const root = '/v1/namespaces/default';
const LOCATIONS = ['us-east-1', 'us-west-2'] as const;
const pageSchema = z.object({
  items: z.array(z.record(z.string(), z.unknown())),
  cursor: z.string().nullable(),
});
const idOf = (body: unknown): string => z.object({ id: z.string() }).parse(body).id;

beforeAll(() => furnish(store, 'default'));

/** Reads a list in pages of one item, and returns all its items. A page may be empty. */
async function all(path: string, query: Record<string, string> = {}) {
  const items: Record<string, unknown>[] = [];
  let cursor: string | null = null;
  do {
    const answer = await gateway.ask({
      method: 'GET',
      path: `${root}/${path}`,
      query: { limit: '1', ...query, ...(cursor === null ? {} : { cursor }) },
    });
    expect(answer.status).toBe(200);
    const page = pageSchema.parse(answer.body);
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  return items;
}

async function fleetWithNetworks(name: string): Promise<string> {
  const asked = await gateway.ask({ method: 'POST', path: `${root}/fleets`, json: fleetBody(name) });
  const fleetId = idOf(asked.body);
  for (const [at, location] of LOCATIONS.entries()) {
    const site = { connectionKey: 'sim/default/sim-aws', location };
    const placement = { ...site, connection: 'sim-aws', first: at, count: 1, ranges: [] };
    const network = { mode: 'dedicated' as const };
    await openPlacement(store, fleetId, { ...placement, driver: 'sim', cloud: 'aws', network }, 1);
    await intendNetwork(store, {
      fleetId,
      ...site,
      kind: 'network',
      name: networkName(fleetId, site),
      status: at === 0 ? 'Ready' : 'Creating',
      failingSinceMs: 0,
      claimUntilMs: 0,
      neededBy: ['web'],
      createdAt: '2026-01-01T00:00:00.000Z',
      ...(at === 0 ? { backendId: `vpc-${name}` } : {}),
    });
  }
  return fleetId;
}

describe('network resources', () => {
  it('the list of network resources has pages, shows the fleet and site of each resource, and omits ended fleets', async () => {
    const first = await fleetWithNetworks('first');
    const second = await fleetWithNetworks('second');
    const ended = await fleetWithNetworks('ended');
    const over = await readFleetItem(store, ended);
    if (over) await updateFleet(store, over, { status: 'Terminated', work: null });
    const items = await all('resources');
    expect(items.map(({ fleet }) => z.object({ id: z.string() }).parse(fleet).id)).toEqual([
      second,
      second,
      first,
      first,
    ]);
    expect(items[0]).toMatchObject({
      kind: 'network',
      fleet: { id: second, name: 'second' },
      cloud: 'aws',
      connection: 'sim-aws',
      location: 'us-east-1',
      state: 'Ready',
      neededBy: ['web'],
      liveInstances: 0,
      backendId: 'vpc-second',
    });
    expect(await all('fleets/first/resources')).toHaveLength(2);
    expect(await all('resources', { fleet: first, location: 'us-west-2' })).toMatchObject([
      { state: 'Creating', location: 'us-west-2' },
    ]);
    expect(await all('resources', { state: 'Ready', kind: 'network' })).toHaveLength(2);
    expect(await all('resources', { kind: 'key-pair' })).toEqual([]);
    expect(await all('resources', { connection: 'sim-gcp' })).toEqual([]);
  });

  it('an unknown fleet and an unknown sweep are answered with 404, and an invalid cursor is refused', async () => {
    for (const path of ['fleets/unknown/resources', 'orphans/sweeps/s0123456789abcdef']) {
      expect((await gateway.ask({ method: 'GET', path: `${root}/${path}` })).status).toBe(404);
    }
    const bad = await gateway.ask({ method: 'GET', path: `${root}/resources`, query: { cursor: 'bm9uZQ' } });
    expect(Gateway.errorsOf(bad)).toEqual(['?cursor invalid-cursor']);
  });
});

describe('orphans', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const finding = (connection: string, location: string, backendId: string) => ({
    connectionKey: `sim/default/${connection}`,
    namespace: 'default',
    connection,
    cloud: 'aws' as const,
    location,
    kind: 'instance' as const,
    backendId,
    reason: 'no-record' as const,
    state: backendId === 'i-3' ? ('Reported' as const) : ('Quarantined' as const),
    firstSeenAt: at,
    stateSince: at,
  });

  it('orphans are listed in pages by connection and site, and can be filtered', async () => {
    for (const one of [
      finding('sim-aws', 'us-east-1', 'i-1'),
      finding('sim-aws', 'us-west-2', 'i-2'),
      finding('sim-gcp', 'us-east1', 'i-3'),
    ]) {
      await writeOrphan(store, one, undefined);
    }
    const ids = async (query: Record<string, string> = {}) =>
      (await all('orphans', query)).map(({ backendId }) => backendId);
    expect(await ids()).toEqual(['i-1', 'i-2', 'i-3']);
    expect(await ids({ connection: 'sim-aws' })).toEqual(['i-1', 'i-2']);
    expect(await ids({ location: 'us-west-2' })).toEqual(['i-2']);
    expect(await ids({ state: 'Reported' })).toEqual(['i-3']);
    expect(await ids({ kind: 'network' })).toEqual([]);
  });

  it('a requested sweep shows its progress, its findings and its failures', async () => {
    const asked = await gateway.ask({
      method: 'POST',
      path: `${root}/orphans/sweep`,
      json: { dryRun: true },
    });
    const sweepId = idOf(asked.body);
    expect([asked.status, asked.body]).toMatchObject([
      202,
      { status: 'Running', dryRun: true, connections: ['sim-aws'], places: { found: 0 } },
    ]);
    expect(gateway.sent.at(-1)).toEqual({
      kind: 'sweep-connection',
      connectionKey: 'sim/default/sim-aws',
      sweepId,
      dryRun: true,
    });
    const seen = async () =>
      (await gateway.ask({ method: 'GET', path: `${root}/orphans/sweeps/${sweepId}` })).body;
    const connection = 'sim-aws';
    await writeSweepConnection(store, sweepId, { connection, locations: [...LOCATIONS] });
    const { kind, backendId, reason, state } = finding(connection, 'us-east-1', 'i-1');
    await writeSweepSite(store, sweepId, {
      connection,
      location: 'us-east-1',
      findings: [{ location: 'us-east-1', kind, backendId, reason, state, action: 'quarantine' }],
      leftOut: 0,
    });
    expect(await seen()).toMatchObject({ status: 'Running', places: { found: 2, done: 1, failed: 0 } });
    const failure = { code: 'Unavailable', message: 'down' };
    await writeSweepSite(store, sweepId, {
      connection,
      location: 'us-west-2',
      findings: [],
      leftOut: 0,
      failure,
    });
    expect(await seen()).toMatchObject({
      status: 'Done',
      places: { found: 2, done: 1, failed: 1 },
      findings: [{ connection, backendId: 'i-1', action: 'quarantine' }],
      failures: [{ connection, location: 'us-west-2', ...failure }],
    });
  });

  it('a sweep of an unknown connection is refused', async () => {
    const path = `${root}/orphans/sweep`;
    const answer = await gateway.ask({ method: 'POST', path, json: { connection: 'unknown' } });
    expect(Gateway.errorsOf(answer)).toEqual(['/connection unknown-connection']);
  });

  it('the orphan policy of a connection can be changed, and an invalid policy is refused', async () => {
    const path = `${root}/connections/sim-aws`;
    expect((await gateway.ask({ method: 'GET', path })).body).toMatchObject({
      orphans: { action: 'terminate', graceSeconds: 1_800 },
    });
    const put = (json: unknown) => gateway.ask({ method: 'PUT', path: `${path}/orphan-policy`, json });
    expect((await put({ action: 'report', graceSeconds: 60 })).body).toMatchObject({
      orphans: { action: 'report', graceSeconds: 60 },
    });
    expect(Gateway.errorsOf(await put({ action: 'keep', graceSeconds: 59 }))).toEqual([
      '/action invalid-value',
      '/graceSeconds too-small',
    ]);
    expect((await gateway.ask({ method: 'GET', path })).body).toMatchObject({
      orphans: { graceSeconds: 60 },
    });
  });
});
