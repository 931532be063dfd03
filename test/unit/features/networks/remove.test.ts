import { afterEach, expect, it } from 'vitest';
import { removeNetworks } from '../../../../functions/features/networks/remove.ts';
import { networkKey, placementKey } from '../../../../functions/platform/store/keys.ts';
import { type NetworkKind, readNetworks } from '../../../../functions/platform/store/networks.ts';
import { ACK } from '../../../../functions/platform/worker/context.ts';
import { type WorkerWorld, workerWorld } from '../../../samples/worker-world.ts';

const FLEET = 'f1kdvdnc4jyfcbym5';
const site = { connectionKey: 'default/sim-aws', location: 'east-1' };

let world: WorkerWorld;
afterEach(() => world.end());

function putResource(kind: NetworkKind, neededBy: readonly string[]): void {
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
  });
}

/** Puts a placement where launching is paused and no instance runs. */
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

it('a fleet that stays keeps a network while a security group exists in it', async () => {
  world = workerWorld(Date.parse('2026-01-01T12:00:00Z'));
  putPlacement();
  putResource('network', ['web']);
  // An instance needed it in the round of security groups, and has ended since.
  putResource('security-group', ['web']);
  const message = { kind: 'remove-networks' as const, fleetId: FLEET, ...site, taskToken: 'token' };
  expect(await removeNetworks(world.context, { ...message, round: 'network', scope: 'failed' })).toEqual(ACK);
  expect(world.told.get('token')).toEqual({ outcome: 'Removed' });
  const left = await readNetworks(world.context.store, { fleetId: FLEET, ...site });
  expect(left.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
    'network Ready',
    'security-group Ready',
  ]);
});
