import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NetworkFault } from '../../../../functions/drivers/contract/capabilities.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { readPlacement } from '../../../../functions/platform/store/placements.ts';
import type { VerifySiteMessage } from '../../../../functions/platform/workflow/messages.ts';
import { CONNECTION } from '../one-fleet/one-fleet.ts';
import { SHOP, Sharing } from './sharing.ts';

const LOCATIONS = ['east', 'west'] as const;
const FAULT: NetworkFault = { pointer: '/networkId', code: 'unknown-network', message: 'no such network' };
const OWN = [{ ...FAULT, pointer: '/network/existing/east/networkId' }];

let sharing: Sharing;
beforeEach(() => open());
afterEach(() => sharing.world.end());

async function open(faultsAtEast: readonly NetworkFault[] = [FAULT]): Promise<void> {
  sharing = await Sharing.open();
  sharing.world.cloud.networkFaults = { east: faultsAtEast };
  await sharing.addGivenFleet(SHOP, LOCATIONS);
}

const messageAt = (location: string, round = 1): VerifySiteMessage => ({
  kind: 'verify-site',
  fleetId: SHOP,
  connectionKey: CONNECTION,
  location,
  round,
  taskToken: `verify-${location}`,
});

async function verify(location: string, worker = sharing.world.makeWorker(), round = 1): Promise<void> {
  let message = messageAt(location, round);
  for (let delivery = 1; delivery <= 60; delivery += 1) {
    const by = worker.isDead ? sharing.world.makeWorker() : worker;
    const result = await sharing.world.handle(message, by);
    if (result === 'died') continue;
    if (result.done) return;
    if (result.as?.kind === 'verify-site') message = result.as;
    sharing.world.nowMs += Math.max(1, result.waitMs);
  }
  throw new Error('the verification did not end');
}

const blockedAt = async (location: string) =>
  (await readPlacement(sharing.world.store, SHOP, CONNECTION, location))?.blocked;
const outcomeAt = (location: string) => sharing.world.outcomes.get(`verify-${location}`);

it('a fault at one site stops both sites, whichever is verified first, and nothing is made at either', async () => {
  for (const order of [LOCATIONS, LOCATIONS.toReversed()]) {
    sharing.world.end();
    await open();
    for (const location of order) await verify(location);
    expect(outcomeAt('east')).toBe('Refused');
    expect(await blockedAt('east')).toMatchObject({ code: 'InvalidRequest', errors: OWN });
    expect((await blockedAt('west'))?.message).toContain('network net-east at east cannot be used');
    for (const location of LOCATIONS) await sharing.prepare(SHOP, sharing.world.makeWorker(), location);
    expect([...sharing.world.failures.values()]).toEqual(['InvalidRequest', 'InvalidRequest']);
    expect(sharing.world.cloud.resourcesMade).toBe(0);
  }
});

it('a worker that dies before any of its steps leaves a verification that the next worker completes', async () => {
  for (let at = 1; ; at += 1) {
    sharing.world.end();
    await open();
    const worker = sharing.world.makeWorker({ at, does: 'die' });
    await verify('east', worker);
    expect(outcomeAt('east'), `step ${at}`).toBe('Refused');
    expect((await blockedAt('east'))?.errors, `step ${at}`).toEqual(OWN);
    expect(await blockedAt('west'), `step ${at}`).toMatchObject({ code: 'InvalidRequest' });
    if (worker.steps < at) break;
    expect(at).toBeLessThan(50);
  }
});

it('a site that was verified is not asked about again before its key pair is made', async () => {
  await open([]);
  await verify('east');
  expect(outcomeAt('east')).toBe('Verified');
  await sharing.prepare(SHOP, sharing.world.makeWorker());
  expect(sharing.world.history.filter((call) => call.startsWith('verify'))).toEqual(['verify east']);
  expect(sharing.standing).toEqual(['key-pair']);
});

it('a cloud that does not answer is asked for a minute, and again before anything is made', async () => {
  const fromMs = sharing.world.nowMs;
  const fails = { is: true };
  sharing.world.cloud.meet = (call) => {
    if (fails.is && call.startsWith('verify')) throw new DriverError('Unavailable', 'no answer');
  };
  await verify('east');
  expect(outcomeAt('east')).toBe('Unknown');
  expect(sharing.world.nowMs - fromMs).toBeGreaterThan(50_000);
  expect(sharing.world.nowMs - fromMs).toBeLessThan(70_000);
  expect(await blockedAt('west')).toBeUndefined();
  fails.is = false;
  await sharing.prepare(SHOP, sharing.world.makeWorker());
  expect((await blockedAt('east'))?.errors).toEqual(OWN);
  expect(sharing.world.cloud.resourcesMade).toBe(0);
});

it('a message of an earlier round, or one that no step waits for any more, stops nothing', async () => {
  await sharing.pauseLaunching(SHOP);
  await sharing.openLaunching(SHOP, 2);
  await verify('east', sharing.world.makeWorker(), 1);
  expect(outcomeAt('east')).toBe('Stopped');
  sharing.world.spent.add('verify-east');
  await verify('east', sharing.world.makeWorker(), 2);
  expect([await blockedAt('east'), await blockedAt('west')]).toEqual([undefined, undefined]);
});
