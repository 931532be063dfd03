import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEPLOYMENT_TAG, INSTANCE_TAG } from '../../functions/drivers/contract/driver.ts';
import { machineName, resourceName } from '../../functions/drivers/contract/names.ts';
import { handleBatch } from '../../functions/entrypoints/dispatch/handle-batch.ts';
import { listAudit } from '../../functions/features/audit/list-audit.ts';
import {
  keyPairName,
  networkName,
  securityGroupName,
} from '../../functions/features/networks/network-names.ts';
import { sweepConnection } from '../../functions/features/sweeps/sweep-connection.ts';
import { sweepSite } from '../../functions/features/sweeps/sweep-site.ts';
import type { Connection } from '../../functions/model/connection.ts';
import { instanceId, launchToken, makeFleetId } from '../../functions/model/identifiers.ts';
import { limitProfileOf } from '../../functions/model/limits-in-force.ts';
import { createConnection } from '../../functions/platform/store/connections.ts';
import {
  type InstanceItem,
  readInstances,
  readSiteEntries,
} from '../../functions/platform/store/instances.ts';
import { createNamespace } from '../../functions/platform/store/namespaces.ts';
import { closeNetwork } from '../../functions/platform/store/networks.ts';
import { createFleet } from '../../functions/platform/store/new-fleet.ts';
import { readSiteOrphans } from '../../functions/platform/store/orphans.ts';
import { endPlacement, openPlacement, readPlacement } from '../../functions/platform/store/placements.ts';
import type { Store } from '../../functions/platform/store/store.ts';
import { createSweep, readSweep } from '../../functions/platform/store/sweeps.ts';
import { transition, updateInstance } from '../../functions/platform/store/transition.ts';
import { replaceLocations } from '../../functions/platform/store/write-catalogue.ts';
import type { WorkerContext } from '../../functions/platform/worker/context.ts';
import type { SweepMessage } from '../../functions/platform/workflow/messages.ts';
import { readBooks } from '../../local/sim/engine/books.ts';
import { loadSimConfig, parseSimConfig } from '../../local/sim/engine/config.ts';
import { plantInstance, plantResource } from '../../local/sim/engine/plant.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { record } from '../samples/records.ts';
import { DEPLOYMENT, delivery, OneProcess } from './one-process.ts';
import { request, spec } from './placed-fleet.ts';
import { useTables } from './tables.ts';

/** Each test uses another location, because findings and instances of earlier tests stay. */
const MORE = Array.from({ length: 8 }, (_, at) => `test-${at + 1}`);
const LOCATIONS = [...MORE, ...Object.keys(loadSimConfig().clouds['aws']?.locations ?? {})];
const more = { displayName: 'Test', country: 'DEU', latitude: 0, longitude: 0, zones: ['test-a'] };
let location = '';
const KEY = 'sim/default/sim-aws';
const GRACE_MS = 1_800_000;
const ours = { [DEPLOYMENT_TAG]: DEPLOYMENT };
const theirs = { [DEPLOYMENT_TAG]: 'another' };

/** Time that the tests have added to the clock of the sweep, in ms. */
let leapedMs = 0;
const store = useTables({ now: () => Date.now() + leapedMs });
let sim: SimServer;
let context: WorkerContext;
let process: OneProcess;
let sent: SweepMessage[] = [];
let connection: Partial<Connection> = {};

const rates = { list: { perSecond: 1_000, burst: 1_000 } };
beforeAll(async () => {
  await createNamespace(store, { name: 'default' });
  sim = await startSimServer({
    config: parseSimConfig(
      {
        clouds: {
          aws: {
            terminateSeconds: [0.01, 0.02],
            rates,
            locations: Object.fromEntries(MORE.map((name) => [name, more])),
          },
          gcp: { terminateSeconds: [0.01, 0.02], rates, tags: false },
        },
      },
      loadSimConfig(),
    ),
    port: 0,
    seed: 7,
  });
});
afterAll(async () => await sim.close());
beforeEach(() => {
  location = LOCATIONS.pop() ?? '';
  sent = [];
  connection = {};
  ({ process, context } = makeWorker(store));
});

function makeWorker(over: Store) {
  const one = new OneProcess(over, sim.url, 1);
  const limits = limitProfileOf({ driver: 'sim', cloud: 'aws' }, undefined);
  one.believe({ ...limits, calls: { ...limits.calls, list: { perSecond: 1_000, burst: 1_000 } } });
  const made: WorkerContext = {
    ...one.context,
    open: async (key) => {
      const opened = await one.context.open(key);
      return { ...opened, connection: { ...opened.connection, ...connection } };
    },
    send: async (message) => void (message.kind === 'sweep' && sent.push(message)),
  };
  return { process: one, context: made };
}

const sweep = (over: Partial<SweepMessage> = {}, worker = context) =>
  sweepSite(worker, {
    kind: 'sweep',
    connectionKey: KEY,
    location,
    dryRun: false,
    round: 0,
    ...over,
  });
const plant = (name: string, tags: Record<string, string>) =>
  plantInstance(sim.engine.world, {
    cloud: 'aws',
    connection: 'sim-aws',
    location,
    name,
    tags,
    instanceType: 'planted',
    networkId: '',
  }).backendId;
const statusOf = (id: string) => {
  const [site] = readBooks(sim.engine.world, { cloud: 'aws', location }).clouds;
  return site?.instances.find(({ backendId }) => backendId === id)?.status;
};
const stateOf = async (id: string) =>
  (await readSiteOrphans(store, KEY, location)).find(({ backendId }) => backendId === id)?.state;
const published = () => process.published.map(({ type, detail }) => `${type} ${String(detail['backendId'])}`);
const pause = () => new Promise((resolve) => setTimeout(resolve, 60));

/** Writes the record of an instance, and returns it. */
async function recordOf(fields: Partial<InstanceItem>): Promise<InstanceItem> {
  const fleetId = makeFleetId(Date.now(), Math.random);
  const id = instanceId({ fleetId, index: 0 });
  const asked = spec('orphaned', 1);
  const ranges = asked.nodeGroups.map((group) => ({ group, first: 0, count: 1 }));
  const site = {
    connection: 'sim-aws',
    connectionKey: fields.connectionKey ?? KEY,
    location: fields.location ?? location,
  };
  const network = { mode: 'dedicated' as const };
  await openPlacement(
    store,
    fleetId,
    { ...site, driver: 'sim', cloud: 'aws', network, first: 0, count: 1, ranges },
    1,
  );
  const made = record({
    fleetId,
    instanceId: id,
    launchToken: launchToken(id, 1),
    location,
    status: 'Running',
    ...fields,
  });
  await transition(store, made, [{ kind: 'claim', record: made }], 0);
  return made;
}

/**
 * Plants a machine with the name, launch token and tags of the instance's machine. The machine is made now.
 *
 * @returns the machine's id
 */
const plantOf = ({ instanceId: id, launchToken: token }: InstanceItem) =>
  plantInstance(sim.engine.world, {
    cloud: 'aws',
    connection: 'sim-aws',
    location,
    name: machineName(DEPLOYMENT, token),
    launchToken: token,
    tags: { ...ours, [INSTANCE_TAG]: id },
    instanceType: 'planted',
    networkId: '',
  }).backendId;

/**
 * Plants the machine of a launch that was given up. Its closed record proves that this deployment made it,
 * and no open record claims it.
 */
async function plantAbandoned(): Promise<string> {
  const now = Date.now();
  const made = await recordOf({ status: 'Creating', launchState: 'refused', firstSentAtMs: now });
  const failure = { code: 'Timeout', message: 'too late' };
  const fields = { failure, closedAtMs: now };
  await transition(store, made, [{ kind: 'change', record: made, to: 'Failed', fields }], 0);
  return plantOf(made);
}

describe('a machine that no record claims', () => {
  it('a proven orphan is quarantined for the grace period and then removed, and its finding is closed', async () => {
    const id = await plantAbandoned();
    await sweep();
    await sweep();
    expect([await stateOf(id), statusOf(id)]).toEqual(['Quarantined', 'Running']);
    leapedMs += GRACE_MS;
    await sweep();
    expect(await stateOf(id)).toBe('Terminating');
    expect(sent).toMatchObject([{ kind: 'sweep', round: 1 }]);
    await pause();
    await sweep({ round: 1 });
    expect([await stateOf(id), statusOf(id)]).toEqual(['Terminated', 'Terminated']);
    expect(published()).toEqual([
      `Orphan Found ${id}`,
      `Orphan Terminating ${id}`,
      `Orphan Terminated ${id}`,
    ]);
    expect(sent).toHaveLength(1);
    const { items } = await listAudit(store, ['default'], { target: `orphan/${id}` }, { limit: 10 });
    expect(items.map(({ type }) => type)).toEqual([
      'orphan.terminated',
      'orphan.terminating',
      'orphan.found',
    ]);
  });

  it('a finding stays Terminating while the cloud accepts the removal and keeps the machine', async () => {
    const id = await plantAbandoned();
    await sweep();
    leapedMs += GRACE_MS;
    sim.engine.addFault({ ...AIM, call: 'terminate', kind: 'stuckTerminating', count: 1 });
    await sweep();
    await pause();
    await sweep();
    expect([await stateOf(id), statusOf(id)]).toEqual(['Terminating', 'Terminating']);
  });

  it('a proven orphan is only reported if the orphan policy of its connection says so', async () => {
    connection = { orphans: { action: 'report', graceSeconds: 60 } };
    const id = await plantAbandoned();
    await sweep();
    leapedMs += 60_000;
    await sweep();
    await sweep();
    expect([await stateOf(id), statusOf(id)]).toEqual(['Reported', 'Running']);
    expect(published()).toEqual([`Orphan Found ${id}`, `Orphan Reported ${id}`]);
  });

  it('a machine with the tags of the deployment and no record is reported and not removed', async () => {
    const id = plant('web', ours);
    await sweep();
    leapedMs += GRACE_MS;
    await sweep();
    await sweep();
    expect([await stateOf(id), statusOf(id)]).toEqual(['Reported', 'Running']);
    expect(published()).toEqual([`Orphan Found ${id}`, `Orphan Reported ${id}`]);
  });

  it.each([
    ['still runs', 'Running' as const],
    ['is gone', 'Terminated' as const],
  ])(
    'a copy that is made a day after its original is reported as a copy if the original %s',
    async (_, status) => {
      const dayAgo = Date.now() - 86_400_000;
      const original = status === 'Running' ? plant('one', ours) : 'i-gone';
      const made = await recordOf({ backendId: original, firstSentAtMs: dayAgo, acceptedAtMs: dayAgo });
      if (status === 'Running') plantTag(original, made.instanceId);
      else {
        const fields = { terminatedAt: new Date(dayAgo).toISOString() };
        await transition(store, made, [{ kind: 'change', record: made, to: 'Terminated', fields }], 0);
      }
      const copy = plantOf(made);
      await sweep();
      leapedMs += GRACE_MS;
      await sweep();
      const found = (await readSiteOrphans(store, KEY, location)).find(({ backendId }) => backendId === copy);
      expect([found?.reason, found?.state, statusOf(copy)]).toEqual(['copy', 'Reported', 'Running']);
    },
  );

  it('machines of other deployments and machines without tags get no finding and are not removed', async () => {
    const others = [
      plant('web', {}),
      plant('web', theirs),
      plant(machineName('another', 'f0123456789abcdef-00000.1'), {}),
      plant(machineName(DEPLOYMENT, 'f0123456789abcdef-00000.1'), theirs),
    ];
    await sweep();
    leapedMs += GRACE_MS;
    await sweep();
    expect(others.map(statusOf)).toEqual(others.map(() => 'Running'));
    expect(published()).toEqual([]);
  });
});

it('a sweep removes the second machine of a token without a grace period, and keeps bound and launching machines', async () => {
  const now = Date.now();
  const kept = plant('one', ours);
  const bound = await recordOf({ backendId: kept, firstSentAtMs: now, acceptedAtMs: now });
  const second = plantOf(bound);
  const launching = await recordOf({ status: 'Creating', launchState: 'unknown', firstSentAtMs: now });
  const unbound = plantOf(launching);
  plantTag(kept, bound.instanceId);
  await sweep();
  await pause();
  await sweep();
  expect([kept, second, unbound].map(statusOf)).toEqual(['Running', 'Terminated', 'Running']);
  expect(published()).toEqual(
    [second].flatMap((one) => [
      `Orphan Found ${one}`,
      `Orphan Terminating ${one}`,
      `Orphan Terminated ${one}`,
    ]),
  );
});

it('a missing machine gets a finding Missing, which becomes Vanished after the record is closed', async () => {
  const gone = await recordOf({ backendId: 'i-gone' });
  await sweep();
  expect(await stateOf('i-gone')).toBe('Missing');
  expect(context.loopsSeen.size).toBe(1);
  await transition(
    store,
    gone,
    [
      {
        kind: 'change',
        record: gone,
        to: 'Terminated',
        fields: { terminatedAt: new Date().toISOString(), failure: { code: 'Vanished', message: 'gone' } },
      },
    ],
    0,
  );
  await sweep();
  expect(await stateOf('i-gone')).toBe('Vanished');
  expect(published()).toEqual(['Instance Missing i-gone', 'Instance Vanished i-gone']);
});

describe('a vanished machine that shows up again', () => {
  /** Plants a machine whose record was closed as Vanished a minute ago. */
  async function vanish(): Promise<{ made: InstanceItem; id: string }> {
    const now = Date.now();
    const id = plant('one', ours);
    const made = await recordOf({
      backendId: id,
      firstSentAtMs: now,
      acceptedAtMs: now,
      runningAt: new Date(now).toISOString(),
    });
    plantTag(id, made.instanceId);
    const terminatedAt = new Date(now + leapedMs - 60_000).toISOString();
    const failure = { code: 'Vanished', message: 'gone' };
    const change = {
      kind: 'change',
      record: made,
      to: 'Terminated',
      fields: { terminatedAt, failure },
    } as const;
    await transition(store, made, [change], 0);
    return { made, id };
  }
  const writeFleet = (fleetId: string) => {
    const { nodeGroups, ...rest } = spec(`back-${fleetId.slice(-6)}`, 1);
    const here = nodeGroups.map((group) => ({ ...group, locations: [location] }));
    return createFleet(store, { connections: [], spec: { ...rest, nodeGroups: here, fleetId }, request });
  };
  const placementOf = ({ fleetId }: InstanceItem) => readPlacement(store, fleetId, KEY, location);

  it('a vanished machine that shows up again is bound to its record, and the counters count it as running', async () => {
    const { made, id } = await vanish();
    expect((await placementOf(made))?.failureCounts).toEqual({ Vanished: 1 });
    await writeFleet(made.fleetId);
    await sweep();
    leapedMs += GRACE_MS;
    await sweep();
    const now = (await readInstances(store, [made])).get(made.instanceId);
    expect([now?.status, now?.failure, statusOf(id)]).toEqual(['Running', undefined, 'Running']);
    expect(await placementOf(made)).toMatchObject({
      counts: { Running: 1, Terminated: 0 },
      failureCounts: { Vanished: 0 },
      groups: { web: { Running: 1, lost1: 0 } },
    });
    const entries = await readSiteEntries(store, KEY, location);
    expect(entries.find(({ siteSk }) => siteSk === made.instanceId)?.backendId).toBe(id);
    expect(published()).toEqual([`Instance Returned ${id}`]);
  });

  it('a vanished machine that shows up after its fleet has ended is removed', async () => {
    const { made, id } = await vanish();
    const placement = await placementOf(made);
    const network = { mode: 'dedicated' as const };
    if (placement) await endPlacement(store, made.fleetId, { ...placement, network, count: 1, ranges: [] });
    await sweep();
    await pause();
    await sweep();
    expect([await stateOf(id), statusOf(id)]).toEqual(['Terminated', 'Terminated']);
  });

  it('a vanished machine whose instance was to end is removed when it shows up', async () => {
    const { made, id } = await vanish();
    const closed = { ...made, status: 'Terminated' as const };
    expect(await updateInstance(store, closed, { endAskedAtMs: Date.now() })).toBe(true);
    await sweep();
    expect(await stateOf(id)).toBe('Terminating');
  });
});

it('a sweep at a cloud without tags finds orphans by their names, and reports them', async () => {
  const at = { connectionKey: 'sim/default/sim-gcp', location: 'us-east1' };
  const plantNamed = (name: string) =>
    plantInstance(sim.engine.world, {
      cloud: 'gcp',
      connection: 'sim-gcp',
      location: at.location,
      name,
      tags: ours,
      instanceType: 'planted',
      networkId: '',
    }).backendId;
  const claimed = await recordOf({
    ...at,
    status: 'Creating',
    launchState: 'unknown',
    firstSentAtMs: Date.now(),
  });
  const kept = plantNamed(machineName(DEPLOYMENT, claimed.launchToken));
  const theirs = plantNamed(machineName(`${DEPLOYMENT}-2`, 'f0123456789abcdef-00000.1'));
  const unnamed = plantNamed('web');
  const orphan = plantNamed(machineName(DEPLOYMENT, 'f0123456789abcdef-00000.1'));
  await sweep(at);
  leapedMs += GRACE_MS;
  await sweep(at);
  await pause();
  await sweep(at);
  const states = readBooks(sim.engine.world, { cloud: 'gcp' }).clouds[0]?.instances ?? [];
  const running = states.filter(({ status }) => status === 'Running').map(({ backendId }) => backendId);
  expect(running.sort()).toEqual([kept, theirs, unnamed, orphan].sort());
  expect(published()).toEqual(['Found', 'Reported'].map((what) => `Orphan ${what} ${orphan}`));
});

it('network resources with a closed record are removed in order, and a network without a record is reported', async () => {
  const fleetId = makeFleetId(Date.now(), Math.random);
  const site = { connectionKey: KEY, location };
  const names = {
    network: networkName(fleetId, site),
    'security-group': securityGroupName(fleetId, site, []),
    'key-pair': keyPairName(fleetId, site),
  };
  for (const kind of ['network', 'security-group', 'key-pair'] as const) {
    const made = { status: 'Deleting', failingSinceMs: 0, claimUntilMs: 0, neededBy: [] } as const;
    await closeNetwork(store, { ...made, neededBy: [], fleetId, ...site, kind, name: names[kind] });
  }
  const of = (kind: 'network' | 'security-group' | 'key-pair', name: string, networkId?: string) =>
    plantResource(sim.engine.world, {
      cloud: 'aws',
      connection: 'sim-aws',
      location,
      kind,
      name: resourceName(DEPLOYMENT, name),
      tags: ours,
      ...(networkId === undefined ? {} : { networkId }),
    }).backendId;
  const network = of('network', names.network);
  const group = of('security-group', names['security-group'], network);
  const key = of('key-pair', names['key-pair']);
  const unknown = of('network', 'net');
  const states = () => Promise.all([network, group, key].map(stateOf));
  await sweep();
  leapedMs += GRACE_MS;
  await sweep();
  expect(await states()).toEqual(['Terminating', 'Terminating', 'Terminating']);
  await sweep();
  expect(await states()).toEqual(['Terminating', 'Terminated', 'Terminated']);
  await sweep();
  expect(await states()).toEqual(['Terminated', 'Terminated', 'Terminated']);
  expect(await stateOf(unknown)).toBe('Reported');
});

it('a dry run lists the actions of a sweep and changes no finding and no machine', async () => {
  const id = await plantAbandoned();
  const dry = { dryRun: true, sweepId: 's0123456789abcdef' };
  await sweep(dry);
  expect(await stateOf(id)).toBeUndefined();
  const findings = async () => (await readSweep(store, dry.sweepId))?.sites[0]?.findings;
  await createMeta(dry.sweepId);
  expect(await findings()).toMatchObject([{ backendId: id, state: 'Quarantined', action: 'quarantine' }]);
  await sweep();
  leapedMs += GRACE_MS;
  await sweep(dry);
  expect(await findings()).toMatchObject([{ backendId: id, state: 'Terminating', action: 'terminate' }]);
  expect([await stateOf(id), statusOf(id)]).toEqual(['Quarantined', 'Running']);
  expect(published()).toEqual([`Orphan Found ${id}`]);
});

it('a sweep of a site that is down reports the failure and closes no finding', async () => {
  const id = plant('web', ours);
  await sweep();
  sim.engine.world.commit({ kind: 'location', cloud: 'aws', location, up: false });
  await createMeta('s0123456789abcdeg');
  await sweep({ sweepId: 's0123456789abcdeg' });
  expect((await readSweep(store, 's0123456789abcdeg'))?.sites).toMatchObject([
    { location, failure: { code: 'Unavailable' } },
  ]);
  expect(await stateOf(id)).toBe('Quarantined');
});

it('a sweep that is killed after any of its writes and repeated has the same result and publishes every event', async () => {
  let killed = 0;
  for (let at = 1; at < 60; at += 1) {
    const id = await plantAbandoned();
    const worker = makeWorker(dyingAfter(at));
    let died = false;
    const all: string[] = [];
    for (const wait of [0, GRACE_MS, 0]) {
      leapedMs += wait;
      await sweep({}, worker.context).catch(() => {
        died = true;
      });
      await pause();
    }
    all.push(...worker.process.published.map(({ type, detail }) => `${type} ${String(detail['backendId'])}`));
    for (const wait of [0, GRACE_MS, 0]) {
      leapedMs += wait;
      await sweep();
      await pause();
    }
    expect([at, await stateOf(id), statusOf(id)]).toEqual([at, 'Terminated', 'Terminated']);
    const types = new Set([...all, ...published()].filter((line) => line.endsWith(id)));
    expect([at, [...types].sort()]).toEqual([
      at,
      [`Orphan Found ${id}`, `Orphan Terminated ${id}`, `Orphan Terminating ${id}`],
    ]);
    if (!died) break;
    killed += 1;
    // Sweeps remove only a few machines of a site in a day, so the test advances the clock.
    leapedMs += 6 * 3_600_000;
  }
  expect(killed).toBeGreaterThan(10);
}, 120_000);

it('a sweep of a connection sends a message for each site of the connection', async () => {
  await createConnection(store, {
    namespace: 'default',
    name: 'sim-aws',
    driver: 'sim',
    cloud: 'aws',
    status: 'Ready',
    createdAt: new Date().toISOString(),
  });
  const at = { country: 'USA', latitude: 0, longitude: 0, zones: [], available: true };
  await replaceLocations(store, KEY, [{ name: 'eu-west-1', displayName: 'Ireland', ...at }]);
  await createMeta('s0123456789abcdeh');
  await sweepConnection(context, {
    kind: 'sweep-connection',
    connectionKey: KEY,
    sweepId: 's0123456789abcdeh',
    dryRun: true,
  });
  const sites = sent.map(({ location }) => location).sort();
  expect(sites).toContain('eu-west-1');
  expect(sites.length).toBeGreaterThan(5);
  expect((await readSweep(store, 's0123456789abcdeh'))?.connections[0]?.locations.sort()).toEqual(sites);
  const body = JSON.stringify({ kind: 'sweep-connection', connectionKey: 'sim/default/gone', dryRun: false });
  expect(await handleBatch(context, [delivery(body)])).toEqual([]);
});

const AIM = { cloud: '*', connection: '*', location: '*', probability: 1 } as const;

async function createMeta(sweepId: string) {
  const createdAt = new Date().toISOString();
  await createSweep(store, {
    sweepId,
    namespace: 'default',
    connections: ['sim-aws'],
    dryRun: true,
    createdAt,
  });
}

/** Adds the tag with the id of an instance to a planted machine. */
function plantTag(backendId: string, id: string): void {
  for (const site of sim.engine.world.state.sites.values()) {
    const found = site.live.get(backendId);
    if (!found) continue;
    const tagged = { ...found, tags: { ...found.tags, [INSTANCE_TAG]: id } };
    sim.engine.world.commit({ kind: 'instance', record: tagged });
  }
}

/** Returns the store of a process that dies after `writes` writes. */
function dyingAfter(writes: number): Store {
  let left = writes;
  const document = new Proxy(store.document, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== 'send' || typeof member !== 'function') return member;
      return async (command: object) => {
        if (left <= 0) throw new Error('dead');
        const answer: unknown = await Reflect.apply(member, target, [command]);
        if (/^(Put|Update|TransactWrite|Delete)/.test(command.constructor.name)) left -= 1;
        if (left <= 0) throw new Error('killed');
        return answer;
      };
    },
  });
  return { ...store, document };
}
