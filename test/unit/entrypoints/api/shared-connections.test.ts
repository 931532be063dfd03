import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { type OperationId, routes } from '../../../../functions/entrypoints/api/contract.ts';
import { finishChanges } from '../../../../functions/features/connections/finish-changes.ts';
import { ROLES, type Role } from '../../../../functions/model/access.ts';
import { layOut } from '../../../../functions/platform/placement/lay-out.ts';
import { logger } from '../../../../functions/platform/runtime/logger.ts';
import { issueApiKey } from '../../../../functions/platform/store/api-keys.ts';
import { readConnection } from '../../../../functions/platform/store/connections.ts';
import { closeFleet, readFleetItem, readSpec } from '../../../../functions/platform/store/fleets.ts';
import { volumeKey } from '../../../../functions/platform/store/keys.ts';
import { createNamespace, readNamespace } from '../../../../functions/platform/store/namespaces.ts';
import { updateConnection } from '../../../../functions/platform/store/update-connection.ts';
import { fleetBody, furnish } from '../../../engine/api/furnish.ts';
import { InProcessApi, KEPT_VOLUME, parameterStore } from './any-input/api.ts';

const OWNER = 'default';
const GUEST = 'team-guest';
const STRANGER = 'team-stranger';

const api = new InProcessApi();
const keys = new Map<string, string>();

beforeAll(async () => {
  await api.open();
  await furnish(api.store, OWNER);
  await api.store.document.send(
    new TransactWriteCommand({
      TransactItems: [{ Delete: { TableName: 'fleets', Key: volumeKey(KEPT_VOLUME) } }],
    }),
  );
  for (const name of [GUEST, STRANGER]) await createNamespace(api.store, { name });
  for (const namespace of [OWNER, GUEST])
    for (const role of ROLES.filter((one) => one !== 'platform-admin')) {
      const outcome = await issueApiKey(api.store, { name: 'matrix', role, namespaces: [namespace] });
      if (!('made' in outcome)) throw new Error(outcome.refused);
      keys.set(`${role} of ${namespace}`, outcome.made.key);
    }
});
afterEach(() => {
  api.meet = () => {};
  vi.restoreAllMocks();
});
afterAll(() => api.close());

type Handler = (typeof routes)[number]['handler'];

async function send(handler: Handler, method: string, path: string, body?: object, key?: string) {
  const headers = {
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(body ? { 'content-type': 'application/json' } : {}),
  };
  const [at, force] = path.split('?force=');
  return await api.ask(handler, {
    method,
    path: `/v1/namespaces/${at}`,
    headers,
    ...(force === undefined ? {} : { query: { force } }),
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}

const share = (target: string, name = 'sim-aws', owner = OWNER, key?: string) =>
  send('connections', 'PUT', `${owner}/connections/${name}/shares/${target}`, undefined, key);
const unshare = (target: string, query = '') =>
  send('connections', 'DELETE', `${OWNER}/connections/sim-aws/shares/${target}${query}`);
let made = 0;
const order = (namespace: string) =>
  send('fleets', 'POST', `${namespace}/fleets`, fleetBody(`fleet-${made++}`, { size: 2 }));
const idOf = ({ body }: { body: unknown }) => z.object({ id: z.string() }).parse(body).id;
const codeOf = ({ status, body }: { status: number; body: unknown }) =>
  status < 400 ? status : z.object({ code: z.string() }).parse(body).code;

async function close(fleetId: string): Promise<void> {
  const fleet = await readFleetItem(api.store, fleetId);
  if (fleet) await closeFleet(api.store, fleet, 'Terminated');
}

const finish = () =>
  finishChanges({ store: api.store, ssm: parameterStore(), secretsPrefix: '/tests', log: logger });

/** What a namespace may do with a connection that another one shares with it. All else is refused with 403. */
const GUESTS_MAY: readonly OperationId[] = [
  'getConnection',
  'getLimits',
  'listLocations',
  'listInstanceTypes',
  'listOffers',
  'listImages',
  'getNetworkRanges',
  'setNetworkRanges',
];

describe('who may do what with a shared connection', () => {
  const onConnections = routes.filter(({ path }) => path.includes('{connection}'));

  it.each(onConnections.map((route) => [route.operationId, route] as const))(
    '%s is for the namespace of the connection, and for others only if it reads what fleets need',
    async (operationId, route) => {
      expect((await share(GUEST)).status).toBe(200);
      const bodies: Partial<Record<OperationId, object>> = {
        setNetworkRanges: { ranges: {} },
        reopenLimits: {},
        setLimits: {},
        setOrphanPolicy: {},
        setConnectionNetwork: { mode: 'shared' },
        rotateCredential: { credential: { account: 'a', apiKey: 'b' } },
      };
      const ask = (namespace: string, connection: string, role: Role) =>
        send(
          route.handler,
          route.method,
          `${route.path.replace('/v1/namespaces/', '').replace('{namespace}', namespace).replace('{connection}', connection).replace('{target}', STRANGER)}`,
          bodies[operationId],
          keys.get(`${role} of ${namespace}`),
        );
      for (const role of ROLES.filter((one) => one !== 'platform-admin')) {
        const isHighEnough = ROLES.indexOf(role) >= ROLES.indexOf(route.needs);
        const { status } = await ask(GUEST, 'sim-aws', role);
        const wanted = isHighEnough && GUESTS_MAY.includes(operationId) ? 200 : 403;
        expect(status, `${role} of the guests`).toBe(wanted);
        // A connection that is not shared does not exist for them.
        if (isHighEnough) expect((await ask(GUEST, 'sim-gcp', role)).status).toBe(404);
      }
    },
  );

  it('shows a guest no account, no endpoint, no failure and no other namespace', async () => {
    await share(GUEST);
    await share(STRANGER);
    const connection = await readConnection(api.store, OWNER, 'sim-aws');
    if (!connection) throw new Error('the connection is gone');
    const failure = { code: 'Unauthorized', message: 'secret words' };
    await updateConnection(api.store, connection, { account: '123456789012', warning: failure });
    const one = await send('connections', 'GET', `${GUEST}/connections/sim-aws`);
    const all = await send('connections', 'GET', `${GUEST}/connections`);
    expect(one.body).toMatchObject({ name: 'sim-aws', namespace: GUEST, sharedBy: OWNER, status: 'Ready' });
    expect(all.body).toMatchObject({ items: [{ name: 'sim-aws', sharedBy: OWNER }], cursor: null });
    for (const text of ['123456789012', 'secret words', STRANGER, 'endpoint', 'sharedWith'])
      expect(JSON.stringify([one.body, all.body])).not.toContain(text);
    const own = await send('connections', 'GET', `${OWNER}/connections/sim-aws`);
    expect(own.body).toMatchObject({ sharedWith: [GUEST, STRANGER], account: '123456789012' });
    await unshare(STRANGER);
  });
});

describe('a fleet on a shared connection', () => {
  it('is at the sites of the one connection, and belongs to its own namespace', async () => {
    expect(codeOf(await order(STRANGER))).toBe('invalid-request');
    await share(GUEST);
    const answer = await order(GUEST);
    expect(answer.status).toBe(202);
    const spec = await readSpec(api.store, idOf(answer));
    expect(new Set(layOut(spec).map((one) => one.connectionKey))).toEqual(new Set(['sim/default/sim-aws']));
    expect(spec).toMatchObject({
      namespace: GUEST,
      nodeGroups: [{ connection: 'sim-aws', sharedBy: OWNER }],
    });
    expect(await send('fleets', 'GET', `${OWNER}/fleets/${idOf(answer)}`)).toMatchObject({ status: 404 });
    await close(idOf(answer));
  });

  it('keeps the connection from being deleted, which says how many there are and not which', async () => {
    await share(GUEST);
    const id = idOf(await order(GUEST));
    const refused = await send('connections', 'DELETE', `${OWNER}/connections/sim-aws`);
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'in-use', usedByOthers: { fleets: 1, disks: 0 } },
    });
    expect(JSON.stringify(refused.body)).not.toMatch(new RegExp(`${GUEST}|${id}|fleet-`));
    await close(id);
  });

  it('keeps the share, unless its end is forced: then it goes on, no other is accepted, and a schedule ends the share', async () => {
    await share(GUEST);
    const id = idOf(await order(GUEST));
    expect(await unshare(GUEST)).toMatchObject({ status: 409, body: { code: 'in-use' } });
    expect((await readConnection(api.store, OWNER, 'sim-aws'))?.sharedWith).toContain(GUEST);
    const forced = await unshare(GUEST, '?force=true');
    expect(forced.body).toMatchObject({ sharedWith: [], unsharing: [{ namespace: GUEST, isForced: true }] });
    expect(JSON.stringify((await order(GUEST)).body)).toContain('no longer shared');
    const seen = await send('connections', 'GET', `${GUEST}/connections/sim-aws`);
    expect(seen.body).toMatchObject({ sharedBy: OWNER, unsharing: [{ namespace: GUEST }] });
    expect(codeOf(await send('connections', 'DELETE', `${OWNER}/connections/sim-aws`))).toBe('in-use');
    await finish();
    expect((await readConnection(api.store, OWNER, 'sim-aws'))?.unsharing).toHaveLength(1);
    await close(id);
    await finish();
    expect((await readConnection(api.store, OWNER, 'sim-aws'))?.unsharing).toEqual([]);
    expect((await send('connections', 'GET', `${GUEST}/connections/sim-aws`)).status).toBe(404);
  });

  it('is not accepted if the share ends between the check of the request and its write', async () => {
    await share(GUEST);
    let isDone = false;
    api.meet = async (command, input) => {
      if (isDone || command !== 'TransactWriteCommand' || !JSON.stringify(input).includes(`NS#${GUEST}`))
        return;
      isDone = true;
      expect((await unshare(GUEST)).status).toBe(200);
    };
    const refused = await order(GUEST);
    expect(isDone).toBe(true);
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ code: 'unknown-connection' }] } });
  });
});

describe('sharing', () => {
  it('is repeated without effect, and so is its end', async () => {
    const [one, two] = await Promise.all([share(GUEST), share(GUEST)]);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect((await readConnection(api.store, OWNER, 'sim-aws'))?.sharedWith).toEqual([GUEST]);
    const ends = await Promise.all([unshare(GUEST), unshare(GUEST)]);
    expect(ends.map(({ status }) => status).toSorted()).toEqual([200, 404]);
    expect((await send('connections', 'GET', `${GUEST}/connections/sim-aws`)).status).toBe(404);
  });

  it('is refused with the own namespace, with one that does not exist, and under a name that is shared already', async () => {
    expect(codeOf(await share(OWNER))).toBe('invalid-request');
    expect(await share('team-absent')).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '{target}', code: 'unknown-namespace' }] },
    });
    await furnish(api.store, STRANGER);
    await share(GUEST);
    expect(codeOf(await share(GUEST, 'sim-aws', STRANGER))).toBe('name-taken');
    await unshare(GUEST);
    expect((await share(GUEST, 'sim-aws', STRANGER)).status).toBe(200);
    await send('connections', 'DELETE', `${STRANGER}/connections/sim-aws/shares/${GUEST}`);
  });

  it('leaves the name to a connection of the namespace itself', async () => {
    await createNamespace(api.store, { name: 'team-both' });
    await share('team-both');
    await furnish(api.store, 'team-both');
    const answer = await order('team-both');
    const spec = await readSpec(api.store, idOf(answer));
    expect(layOut(spec)[0]?.connectionKey).toBe('sim/team-both/sim-aws');
    const { body } = await send('connections', 'GET', 'team-both/connections');
    expect(JSON.stringify(body)).not.toContain('sharedBy');
    // The fleet uses the connection of its namespace, and not the shared one of the same name.
    expect((await unshare('team-both')).status).toBe(200);
    await close(idOf(answer));
  });

  it('is undone by the schedule if the process died after it began to end and the namespace still has fleets', async () => {
    await share(GUEST);
    const id = idOf(await order(GUEST));
    let hasBegun = false;
    api.meet = async (_command, input) => {
      if (hasBegun) throw new Error('killed');
      hasBegun = JSON.stringify(input).includes('unsharing');
    };
    expect((await unshare(GUEST)).status).toBe(500);
    api.meet = () => {};
    expect((await readConnection(api.store, OWNER, 'sim-aws'))?.sharedWith).toEqual([]);
    const later = Date.now() + 3 * 60_000;
    vi.spyOn(Date, 'now').mockReturnValue(later);
    await finish();
    expect((await readConnection(api.store, OWNER, 'sim-aws'))?.sharedWith).toEqual([GUEST]);
    await close(id);
    await unshare(GUEST);
  });

  it('ends with the namespace that it is with', async () => {
    await createNamespace(api.store, { name: 'team-short' });
    await share('team-short');
    const id = idOf(await order('team-short'));
    expect(codeOf(await send('access', 'DELETE', 'team-short'))).toBe('not-empty');
    expect((await readConnection(api.store, OWNER, 'sim-aws'))?.sharedWith).toContain('team-short');
    await close(id);
    expect((await send('access', 'DELETE', 'team-short')).status).toBe(204);
    expect(await readNamespace(api.store, 'team-short')).toBeUndefined();
    expect((await readConnection(api.store, OWNER, 'sim-aws'))?.sharedWith ?? []).not.toContain('team-short');
  });
});
