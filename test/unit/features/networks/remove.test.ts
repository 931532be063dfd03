import { afterEach, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { removeNetworks } from '../../../../functions/features/networks/remove.ts';
import { limitProfileOf } from '../../../../functions/model/limits-in-force.ts';
import { fleetKey, networkKey, placementKey } from '../../../../functions/platform/store/keys.ts';
import { type NetworkKind, readNetworks } from '../../../../functions/platform/store/networks.ts';
import { ACK, type OpenConnection, requeueAfter } from '../../../../functions/platform/worker/context.ts';
import { openGate } from '../../../calls/gates.ts';
import { simDriver } from '../../../samples/drivers.ts';
import { type WorkerWorld, workerWorld } from '../../../samples/worker-world.ts';

const FLEET = 'f1kdvdnc4jyfcbym5';
const site = { connectionKey: 'sim/default/sim-aws', location: 'east-1' };

let world: WorkerWorld;
afterEach(() => world.end());

function putResource(kind: NetworkKind, neededBy: readonly string[], fields: object = {}): void {
  world.put('fleets', {
    ...networkKey(FLEET, site.connectionKey, site.location, kind, kind),
    fleetId: FLEET,
    ...site,
    kind,
    name: kind,
    status: 'Ready',
    failingSinceMs: 0,
    claimUntilMs: 0,
    backendId: kind,
    neededBy,
    ...fields,
  });
}

/** Writes a placement whose launching is paused and which has no running instance. */
function putPlacement(): void {
  world.put('fleets', {
    ...placementKey(FLEET, site.connectionKey, site.location),
    fleetId: FLEET,
    connection: 'sim-aws',
    ...site,
    driver: 'sim',
    cloud: 'aws',
    first: 0,
    requested: 1,
    launching: 'paused',
    round: 1,
    counts: { Terminated: 1 },
    groups: { web: { Terminated: 1 } },
    failureCounts: {},
    failureExamples: {},
    microUsdPerHour: 0,
    microUsdSeconds: 0,
  });
}

it('if the fleet is not being deleted, a network is kept while a security group exists in it', async () => {
  world = workerWorld(Date.parse('2026-01-01T12:00:00Z'));
  putPlacement();
  putResource('network', ['web']);
  // The security group is left from an earlier round.
  putResource('security-group', ['web']);
  const message = { kind: 'remove-networks' as const, fleetId: FLEET, ...site, taskToken: 'token' };
  expect(await removeNetworks(world.context, { ...message, round: 'network', scope: 'failed' })).toEqual(ACK);
  expect(world.outcomes.get('token')).toEqual({ outcome: 'Removed' });
  const left = await readNetworks(world.context.store, { fleetId: FLEET, ...site });
  expect(left.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
    'network Ready',
    'security-group Ready',
  ]);
});

/** Returns a connection whose first deletion of a security group fails with `refusal`. Later deletions succeed. */
function refusesOnce(refusal: DriverError): OpenConnection {
  const client = simDriver.connect({
    cloud: 'aws',
    credential: { account: 'sim-aws' },
    endpoint: 'http://127.0.0.1:9',
    deploymentId: 'test',
    calls: openGate,
  });
  let refusals = 1;
  client.deleteKeyPair = () => Promise.resolve();
  client.deleteSecurityGroup = () => {
    refusals -= 1;
    return refusals < 0 ? Promise.resolve() : Promise.reject(refusal);
  };
  return {
    connection: {
      namespace: 'default',
      name: 'sim-aws',
      id: 'c0000000000000000',
      driver: 'sim',
      cloud: 'aws',
      status: 'Ready',
      createdAt: new Date(0).toISOString(),
    },
    limits: limitProfileOf({ driver: 'sim', cloud: 'aws' }, undefined),
    client,
    onTerms: () => client,
  };
}

it.each(['NoPermit', 'Throttled'] as const)(
  'if the removal of a security group fails with %s, the message is requeued and the removal is tried again',
  async (code) => {
    world = workerWorld(Date.parse('2026-01-01T12:00:00Z'));
    putPlacement();
    putResource('key-pair', ['web']);
    putResource('security-group', ['web']);
    const opened = refusesOnce(new DriverError(code, 'ask again', { retryAfterMs: 0 }));
    const context = { ...world.context, open: () => Promise.resolve(opened) };
    const message = {
      kind: 'remove-networks' as const,
      fleetId: FLEET,
      ...site,
      taskToken: 'token',
      round: 'access' as const,
      scope: 'fleet' as const,
    };
    expect(await removeNetworks(context, message)).toEqual(requeueAfter(0));
    expect(world.outcomes.has('token')).toBe(false);
    expect(await removeNetworks(context, message)).toEqual(ACK);
    expect(world.outcomes.get('token')).toEqual({ outcome: 'Removed' });
    expect(await readNetworks(world.context.store, { fleetId: FLEET, ...site })).toEqual([]);
  },
);

it('a refused removal of a security group is recorded with its error, and tried again after a growing delay', async () => {
  let nowMs = Date.parse('2026-01-01T12:00:00Z');
  world = workerWorld(() => nowMs);
  putPlacement();
  putResource('security-group', ['web']);
  const refusal = new DriverError('Conflict', 'resource sg-1 has a dependent object');
  let calls = 0;
  const opened = refusesOnce(refusal);
  opened.client.deleteSecurityGroup = () => {
    calls += 1;
    return Promise.reject(refusal);
  };
  const context = { ...world.context, open: () => Promise.resolve(opened) };
  const message = {
    kind: 'remove-networks' as const,
    fleetId: FLEET,
    ...site,
    taskToken: 'token',
    round: 'access' as const,
    scope: 'fleet' as const,
  };
  const startMs = nowMs;
  while (nowMs < startMs + 3_600_000) {
    const result = await removeNetworks(context, message);
    if (result.done) throw new Error('the message was acknowledged');
    expect(result.waitMs).toBeLessThanOrEqual(10_000);
    nowMs += result.waitMs;
  }
  const [item] = await readNetworks(world.context.store, { fleetId: FLEET, ...site });
  expect(item?.stuck).toMatchObject({
    code: 'Conflict',
    message: refusal.message,
    sinceMs: startMs,
    tries: calls,
  });
  // In the first hour, some ten tries have delays that grow, then a try follows at least every five minutes.
  expect(calls).toBeGreaterThan(18);
  expect(calls).toBeLessThan(28);
});

it('a user who asks for the removal again does not wait for the end of the delay', async () => {
  const nowMs = Date.parse('2026-01-01T12:00:00Z');
  world = workerWorld(nowMs);
  putPlacement();
  const stuck = { code: 'Conflict', message: 'in use', sinceMs: 1, tries: 9, triedAtMs: nowMs - 1_000 };
  putResource('key-pair', ['web'], { status: 'Deleting', stuck: { ...stuck, nextTryAtMs: nowMs + 200_000 } });
  const opened = refusesOnce(new DriverError('Conflict', 'in use'));
  const context = { ...world.context, open: () => Promise.resolve(opened) };
  const message = {
    kind: 'remove-networks' as const,
    fleetId: FLEET,
    ...site,
    taskToken: 'token',
    round: 'access' as const,
    scope: 'fleet' as const,
  };
  expect(await removeNetworks(context, message)).toEqual(requeueAfter(10_000));
  world.put('fleets', {
    ...fleetKey(FLEET),
    fleetId: FLEET,
    namespace: 'default',
    name: 'web',
    status: 'Terminating',
    failurePolicy: 'continue',
    requested: 1,
    connections: ['sim-aws'],
    round: 1,
    work: 'remove',
    execution: 2,
    workSinceMs: 0,
    interruptions: 0,
    createdAt: new Date(0).toISOString(),
    removalAskedAtMs: nowMs,
  });
  expect(await removeNetworks(context, message)).toEqual(ACK);
});

it('a message whose removal is refused ends when no workflow step waits for its task any more', async () => {
  world = workerWorld(Date.parse('2026-01-01T12:00:00Z'));
  putPlacement();
  putResource('security-group', ['web']);
  const opened = refusesOnce(new DriverError('Conflict', 'in use'));
  const spent = new Set(['first try']);
  const tasks = {
    ...world.context.tasks,
    heartbeat: (token: string) => Promise.resolve(!spent.has(token)),
  };
  const context = { ...world.context, tasks, open: () => Promise.resolve(opened) };
  const message = {
    kind: 'remove-networks' as const,
    fleetId: FLEET,
    ...site,
    round: 'access' as const,
    scope: 'fleet' as const,
  };
  expect(await removeNetworks(context, { ...message, taskToken: 'first try' })).toEqual(ACK);
  expect(await removeNetworks(context, { ...message, taskToken: 'second try' })).toMatchObject({
    done: false,
  });
  const [item] = await readNetworks(context.store, { fleetId: FLEET, ...site });
  expect(item).toMatchObject({ status: 'Deleting', stuck: { tries: 1 } });
  expect(world.outcomes.size).toBe(0);
});
