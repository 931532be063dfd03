import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { routes } from '../../../../functions/entrypoints/api/contract.ts';
import type { Route } from '../../../../functions/entrypoints/api/routes/route.ts';
import { closeActs } from '../../../../functions/features/audit/close-acts.ts';
import { shareConnection } from '../../../../functions/features/sharing/share-connection.ts';
import { volumeName } from '../../../../functions/features/volumes/volume-view.ts';
import type { GrantedNamespaces, Role } from '../../../../functions/model/access.ts';
import { type AuditEntry, auditEntrySchema } from '../../../../functions/model/audit-entry.ts';
import { logger } from '../../../../functions/platform/runtime/logger.ts';
import { issueApiKey, revokeApiKey } from '../../../../functions/platform/store/api-keys.ts';
import { createNamespace } from '../../../../functions/platform/store/namespaces.ts';
import { readOpenActs } from '../../../../functions/platform/store/open-acts.ts';
import { fleetBody, furnish } from '../../../engine/api/furnish.ts';
import { type Answered, InProcessApi, KEPT_VOLUME } from './any-input/api.ts';

type Changing = Extract<(typeof routes)[number], { audited: object }>['operationId'];

interface Change {
  /** Values of the path. `namespace` is `default`. */
  path?: Readonly<Record<string, string>>;
  body?: object;
  type: string;
  /** Kind and name of the thing that the entry names. */
  target: string;
}

const onConnection = (act: string, body?: object): Change => ({
  path: { connection: 'sim-aws' },
  ...(body === undefined ? {} : { body }),
  type: `connection.${act}`,
  target: 'connection sim-aws',
});
const VOLUME = volumeName(KEPT_VOLUME);

const ROLE_ARN = 'arn:aws:iam::123456789012:role/operators';

/** A request that each changing operation accepts. The compiler reports an operation without an entry. */
const CHANGES: Readonly<Record<Changing, (made: Made) => Change>> = {
  createNamespace: () => ({
    body: { name: 'new-team' },
    type: 'namespace.create',
    target: 'namespace new-team',
  }),
  deleteNamespace: () => ({
    path: { namespace: 'empty' },
    type: 'namespace.delete',
    target: 'namespace empty',
  }),
  createApiKey: () => ({ body: { name: 'robot' }, type: 'api-key.create', target: 'api-key robot' }),
  revokeApiKey: ({ keyId }) => ({ path: { id: keyId }, type: 'api-key.revoke', target: `api-key ${keyId}` }),
  createBinding: () => ({
    body: { kind: 'aws', name: ROLE_ARN, role: 'viewer' },
    type: 'binding.create',
    target: `binding ${ROLE_ARN}`,
  }),
  deleteBinding: ({ bindingId }) => ({
    path: { id: bindingId },
    type: 'binding.delete',
    target: `binding ${bindingId}`,
  }),
  createConnection: () => ({
    body: {
      name: 'sim-ibm',
      driver: 'sim',
      cloud: 'ibm',
      credential: { account: 'acc', apiKey: 'SECRET' },
      endpoint: 'http://127.0.0.1:9',
    },
    type: 'connection.create',
    target: 'connection sim-ibm',
  }),
  deleteConnection: () => ({
    path: { connection: 'sim-gcp' },
    type: 'connection.delete',
    target: 'connection sim-gcp',
  }),
  shareConnection: () => ({
    ...onConnection('share'),
    path: { connection: 'sim-aws', target: 'others' },
  }),
  unshareConnection: () => ({
    path: { connection: 'sim-gcp', target: 'others' },
    type: 'connection.unshare',
    target: 'connection sim-gcp',
  }),
  setOrphanPolicy: () => onConnection('set-orphan-policy', {}),
  setConnectionNetwork: () => onConnection('set-network', { mode: 'shared' }),
  setLimits: () => onConnection('set-limits', {}),
  reopenLimits: () => onConnection('reopen-limits', {}),
  rotateCredential: () =>
    onConnection('rotate-credential', { credential: { account: 'acc', apiKey: 'SECRET' } }),
  disableConnection: () => onConnection('disable'),
  enableConnection: () => onConnection('enable'),
  verifyConnection: () => onConnection('verify'),
  syncInventory: () => onConnection('sync-inventory'),
  setNetworkRanges: () => onConnection('set-network-ranges', { ranges: { 'us-east-1': '10.1.0.0/16' } }),
  createFleet: () => ({ body: fleetBody('web-eu'), type: 'fleet.create', target: 'fleet web-eu' }),
  deleteFleet: () => ({ path: { fleet: 'web-us' }, type: 'fleet.delete', target: 'fleet web-us' }),
  actOnFleet: () => ({
    path: { fleet: 'web-us' },
    body: { action: 'hold' },
    type: 'fleet.hold',
    target: 'fleet web-us',
  }),
  createInstance: () => ({
    body: { ...MACHINE, name: 'machine-2' },
    type: 'instance.create',
    target: 'instance machine-2',
  }),
  deleteInstance: ({ instanceId }) => ({
    path: { instance: instanceId },
    type: 'instance.delete',
    target: 'instance machine-1',
  }),
  removeNetworks: () => ({ body: {}, type: 'network.remove', target: 'network ' }),
  removeVolume: () => ({ path: { volume: VOLUME }, type: 'volume.remove', target: `volume ${VOLUME}` }),
  sweepOrphans: () => ({ body: { dryRun: true }, type: 'sweep.start', target: 'sweep ' }),
  continueSweeps: () => ({
    body: { connection: 'sim-aws' },
    type: 'sweep.continue',
    target: 'connection sim-aws',
  }),
};
const MACHINE = {
  name: 'machine-1',
  connection: 'sim-aws',
  location: 'us-east-1',
  instanceType: 'm6i.large',
  image: 'ubuntu-24.04',
};

interface Made {
  keyId: string;
  bindingId: string;
  instanceId: string;
}

const changing = routes.flatMap((route) => ('audited' in route && route.audited ? [route] : []));
const pageSchema = z.object({ items: z.array(auditEntrySchema), cursor: z.string().nullable() });
const idSchema = z.object({ id: z.string() });
let api: InProcessApi;
let made: Made;
let root: string;

beforeEach(async () => {
  vi.spyOn(logger, 'info').mockImplementation(() => undefined);
  api = new InProcessApi();
  await api.open();
  root = (await keyOf('platform-admin', ['*'])).key;
  await furnish(api.store, 'default');
  for (const name of ['empty', 'others']) await createNamespace(api.store, { name });
  await shareConnection(api.store, { namespace: 'default', name: 'sim-gcp', target: 'others' });
  await post('createFleet', { namespace: 'default' }, fleetBody('web-us'));
  const instance = await post('createInstance', { namespace: 'default' }, MACHINE);
  const { id: keyId } = await keyOf('viewer', ['default']);
  const bound = await post('createBinding', {}, { kind: 'aws', name: `${ROLE_ARN}-2`, role: 'viewer' });
  made = { keyId, bindingId: idSchema.parse(bound.body).id, instanceId: idSchema.parse(instance.body).id };
});
afterEach(() => {
  api.close();
  vi.restoreAllMocks();
});

async function keyOf(role: Role, namespaces: GrantedNamespaces): Promise<{ id: string; key: string }> {
  const outcome = await issueApiKey(api.store, { name: 'tests', role, namespaces });
  if (!('made' in outcome)) throw new Error(outcome.refused);
  return outcome.made;
}

function send(
  route: Pick<Route, 'method' | 'path' | 'handler'>,
  path: Readonly<Record<string, string>>,
  { body, key = root, headers = {} }: { body?: unknown; key?: string; headers?: Record<string, string> } = {},
): Promise<Answered> {
  return api.ask(route.handler, {
    method: route.method,
    path: route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => path[name] ?? 'absent'),
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function routeOf<Id extends Route['operationId']>(operationId: Id): Route {
  const found = routes.find((one) => one.operationId === operationId);
  if (!found) throw new Error(operationId);
  return found;
}

const post = (
  operationId: keyof Pick<Record<Changing, 0>, 'createBinding' | 'createFleet' | 'createInstance'>,
  path: Record<string, string>,
  body: object,
  headers = {},
) => send(routeOf(operationId), path, { body, headers });

/** Returns all entries of all logs, newest first. */
async function log(query: Record<string, string> = {}): Promise<AuditEntry[]> {
  const answered = await api.ask('access', {
    path: '/v1/audit',
    query: { limit: '500', ...query },
    headers: { authorization: `Bearer ${root}` },
  });
  return pageSchema.parse(answered.body).items;
}

/** Returns the entries that a request adds. */
async function added(act: () => Promise<unknown>): Promise<AuditEntry[]> {
  const before = new Set((await log()).map(({ id }) => id));
  await act();
  return (await log()).filter(({ id }) => !before.has(id));
}

const named = ({ target: { kind, name = '' } }: AuditEntry) => `${kind} ${name}`;

describe('the entry of a request that changes something', () => {
  it.each(changing.map((route) => [route.operationId, route] as const))(
    'a request for %s that succeeds adds exactly one entry, with actor, thing, source and request id',
    async (operationId, route) => {
      const { path = {}, body, type, target } = CHANGES[operationId](made);
      const { id, key } = await keyOf('platform-admin', ['*']);
      let status = 0;
      const entries = await added(async () => {
        ({ status } = await send(route, { namespace: 'default', ...path }, { body, key }));
      });
      expect(status).toBe(route.status);
      expect(entries).toMatchObject([
        {
          type,
          actor: { kind: 'key', name: id },
          result: 'succeeded',
          requestId: 'request-1',
          source: { ip: '127.0.0.1', userAgent: 'test' },
        },
      ]);
      expect(entries.map(named)).toEqual([target]);
      expect(JSON.stringify(entries)).not.toContain('SECRET');
      expect(await readOpenActs(api.store)).toEqual([]);
    },
  );

  it.each(changing.map((route) => [route.operationId, route] as const))(
    'a request for %s without the role, or without the namespace, adds exactly one entry, also if it is repeated',
    async (operationId, route) => {
      const { path = {}, body } = CHANGES[operationId](made);
      const viewer = await keyOf('viewer', ['default', 'empty']);
      const stranger = await keyOf('admin', ['others']);
      const isNamed = route.path.includes('{namespace}');
      for (const { id, key } of isNamed ? [viewer, stranger] : [viewer]) {
        const ask = () => send(route, { namespace: 'default', ...path }, { body, key });
        const entries = await added(async () => {
          for (let times = 0; times < 3; times += 1) expect((await ask()).status).toBeGreaterThan(400);
        });
        // The requests may fall into two minutes.
        expect([1, 2]).toContain(entries.length);
        expect(entries[0]).toMatchObject({
          actor: { kind: 'key', name: id },
          result: 'refused',
          code: id === viewer.id ? 'forbidden' : 'not-found',
        });
        const isOfNamespace = isNamed && id === viewer.id;
        expect(entries[0]?.namespace).toBe(isOfNamespace ? (path['namespace'] ?? 'default') : undefined);
      }
    },
  );

  it('a request that the operation refuses adds one entry with the code of the problem', async () => {
    const entries = await added(() => post('createFleet', { namespace: 'default' }, fleetBody('web-us')));
    expect(entries).toMatchObject([{ type: 'fleet.create', result: 'refused', code: 'name-taken' }]);
  });

  it('a request with a malformed body adds one entry, which has nothing of the body', async () => {
    const entries = await added(() =>
      post('createFleet', { namespace: 'default' }, { name: 'web-us', password: 'SECRET' }),
    );
    expect(entries).toMatchObject([{ type: 'fleet.create', result: 'refused', code: 'invalid-request' }]);
    expect(JSON.stringify(entries)).not.toContain('SECRET');
  });

  it('requests that repeat an idempotency key, also at the same time, add one entry together', async () => {
    const again = { 'idempotency-key': 'once' };
    const ask = () => post('createFleet', { namespace: 'default' }, fleetBody('web-once'), again);
    const entries = await added(async () => {
      await ask();
      await Promise.all([ask(), ask(), ask()]);
      expect((await ask()).status).toBe(202);
    });
    expect(entries.map(({ type, result }) => [type, result])).toEqual([['fleet.create', 'succeeded']]);
  });

  it('requests at the same time add one entry each', async () => {
    const entries = await added(() =>
      Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          send(routeOf('createNamespace'), {}, { body: { name: `team-${at}` } }),
        ),
      ),
    );
    expect(new Set(entries.map(named)).size).toBe(20);
  });
});

describe('requests that change nothing', () => {
  it.each(
    routes
      .filter((route) => !('audited' in route && route.audited))
      .map((route) => [route.operationId, route] as const),
  )('a request for %s adds no entry to a caller that may make it', async (_id, route) => {
    const names = { namespace: 'default', connection: 'sim-aws', fleet: 'web-us', instance: made.instanceId };
    expect(
      await added(() =>
        send(route, names, { body: route.operationId === 'validateFleet' ? fleetBody('web-eu') : undefined }),
      ),
    ).toEqual([]);
  });

  it('a refused change in what is no name of a namespace adds one entry to the log of the deployment', async () => {
    for (const namespace of ['x'.repeat(3_000), 'NO-NAME']) {
      const entries = await added(() => post('createFleet', { namespace }, fleetBody('web-eu')));
      expect(entries).toMatchObject([{ type: 'fleet.create', result: 'refused', code: 'invalid-request' }]);
      expect(entries[0]).not.toHaveProperty('namespace');
    }
  });

  it('a read in a namespace of others adds one entry, which the others cannot see', async () => {
    const { key } = await keyOf('viewer', ['others']);
    const entries = await added(() => send(routeOf('listFleets'), { namespace: 'default' }, { key }));
    expect(entries).toMatchObject([
      {
        type: 'api.read',
        target: { kind: 'path', name: '/v1/namespaces/default/fleets' },
        code: 'not-found',
        data: { namespace: 'default' },
      },
    ]);
    expect(entries[0]).not.toHaveProperty('namespace');
  });
});

describe('requests whose credentials are refused', () => {
  const ask = (key: string) => send(routeOf('listFleets'), { namespace: 'default' }, { key });

  it('a request with a key that was revoked, or with a wrong secret, adds one entry a minute', async () => {
    const revoked = await keyOf('viewer', ['*']);
    await revokeApiKey(api.store, revoked.id);
    const forged = `fw_${made.keyId}_${'A'.repeat(43)}`;
    const entries = await added(async () => {
      for (const key of [revoked.key, forged]) expect((await ask(key)).status).toBe(401);
    });
    expect(entries.map(({ type, target, data }) => [type, target.id, data?.['because']])).toEqual(
      expect.arrayContaining([
        ['api-key.authenticate', revoked.id, 'ended'],
        ['api-key.authenticate', made.keyId, 'wrong-secret'],
      ]),
    );
    expect(entries).toHaveLength(2);
    vi.spyOn(Date, 'now').mockReturnValue(Date.parse(entries[0]?.at ?? '') + 30_000);
    expect(await added(() => Promise.all([ask(forged), ask(forged), ask(revoked.key)]))).toEqual([]);
  });

  it('requests without a key, or with keys that do not exist, add nothing', async () => {
    const unknown = (at: number) => `fw_${String(at).padStart(12, '0')}_${'A'.repeat(43)}`;
    expect(
      await added(async () => {
        for (let at = 0; at < 10; at += 1) await ask(unknown(at));
        await ask('');
        await ask('hello');
      }),
    ).toEqual([]);
  });
});

describe('a function that ends before it has written an entry', () => {
  it('the schedule writes the entry with the result `unknown`, once, and not while the function may run', async () => {
    api.meet = (command, input) => {
      if (command === 'PutCommand' && /"pk":"LOG#/.test(JSON.stringify(input))) throw new Error('killed');
    };
    vi.spyOn(logger, 'error').mockImplementation(() => undefined);
    const { status } = await send(routeOf('createNamespace'), {}, { body: { name: 'new-team' } });
    expect(status).toBe(201);
    api.meet = () => {};
    expect(await added(() => closeActs(api.store))).toEqual([]);
    const later = { ...api.store, clock: { ...api.store.clock, now: () => Date.now() + 70_000 } };
    const entries = await added(async () => {
      await Promise.all([closeActs(later), closeActs(later)]);
      await closeActs(later);
    });
    expect(entries).toMatchObject([
      { type: 'namespace.create', result: 'unknown', target: { name: 'new-team' }, requestId: 'request-1' },
    ]);
    expect(await readOpenActs(api.store)).toEqual([]);
  });

  it('a change does not begin if it cannot be noted', async () => {
    api.meet = (command, input) => {
      if (command === 'PutCommand' && JSON.stringify(input).includes('"TableName":"audit"'))
        throw new Error('down');
    };
    vi.spyOn(logger, 'error').mockImplementation(() => undefined);
    const { status } = await send(routeOf('createNamespace'), {}, { body: { name: 'new-team' } });
    expect(status).toBe(500);
    api.meet = () => {};
    const read = await send(routeOf('getNamespace'), { namespace: 'new-team' });
    expect(read.status).toBe(404);
  });
});
