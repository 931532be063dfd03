import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instanceId } from '../../functions/model/identifiers.ts';
import { limitProfileOf } from '../../functions/model/limits-in-force.ts';
import type { Rate } from '../../functions/model/rate.ts';
import type { WantedCreate } from '../../functions/model/wanted-create.ts';
import { permitCalls } from '../../functions/platform/governor/permit-calls.ts';
import { permitCreates } from '../../functions/platform/governor/permit-creates.ts';
import { releaseSlots } from '../../functions/platform/governor/release-slots.ts';
import type { GovernedSite } from '../../functions/platform/governor/site.ts';
import { addToQueue, readQueue } from '../../functions/platform/store/launch-queue.ts';
import { startLoop } from '../../functions/platform/store/loops.ts';
import { endPlacement } from '../../functions/platform/store/placements.ts';
import type { DriverMessage } from '../../functions/platform/workflow/messages.ts';
import { loadSimConfig } from '../../local/sim/engine/config.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { FleetRuns } from './fleet-runs.ts';
import { OneProcess } from './one-process.ts';
import { useTables } from './tables.ts';

const TIME_SCALE = 10;
const store = useTables();
let sim: SimServer;

beforeAll(async () => {
  sim = await startSimServer({ config: loadSimConfig(), port: 0, seed: 7, timeScale: TIME_SCALE });
});
afterAll(async () => await sim.close());

const { begin, prepare, sendLaunches, booksOf } = new FleetRuns(store, () => sim);

const want = (fleetId: string, index: number): WantedCreate => ({
  instanceId: instanceId({ fleetId, index }),
  fleetId,
  round: 1,
  instanceType: 'm6i.large',
  vcpus: 2,
  gpus: 0,
  memoryGb: 8,
  mayGoElsewhere: false,
});

/** Creates a fleet of one instance and enqueues its launch. The site has one slot and no poll loop. */
async function putInQueue(process: OneProcess, name: string, location: string, list: Rate) {
  const profile = limitProfileOf({ driver: 'sim', cloud: 'aws' }, undefined);
  const limits = { ...profile, concurrentInstancesPerLocation: 1, calls: { ...profile.calls, list } };
  process.believe(limits);
  const { fleetId, placements } = await begin(process, name, 1, [location]);
  const [placement] = placements;
  if (!placement) throw new Error('the fleet has no placement');
  await prepare(process, fleetId, placements);
  const site = { connectionKey: placement.connectionKey, location, limits };
  const taskToken = `launch ${fleetId} 0 1`;
  const { connectionKey } = site;
  const message = {
    kind: 'launch' as const,
    fleetId,
    index: 0,
    round: 1,
    taskToken,
    connectionKey,
    location,
  };
  await addToQueue(store, site, [{ message, wanted: want(fleetId, 0) }], { turn: 0, step: 4 });
  return { fleetId, placements, placement, site, taskToken };
}

/** Gives the slot to an instance of another fleet. */
async function takeSlot(site: GovernedSite): Promise<void> {
  const { given } = await permitCreates(store, site, [want('f0123456789abcdef', 0)]);
  expect(given).toHaveLength(1);
}

describe('a launch queue', () => {
  it('a queued launch is answered even if its worker died before it started a poll loop', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const queued = await putInQueue(process, 'left-in-queue', 'us-east-2', { perSecond: 5, burst: 10 });
    const { fleetId, placements, placement, site, taskToken } = queued;
    await takeSlot(site);
    // The launch message is delivered again, and the fleet is already being deleted.
    await endPlacement(store, fleetId, placement);
    expect(sendLaunches(process, { fleetId, placements })).toEqual([taskToken]);
    // There are two answers: one to the message that was delivered again, and one to the queued launch.
    await process.runUntil(() => (process.answers.get(taskToken) ?? []).length === 2, 10_000);
    expect(process.answers.get(taskToken)).toEqual([{}, {}]);
    expect(await readQueue(store, site)).toEqual([]);
  });

  it('a queued launch is sent even if the list rate allows no list call for 15 minutes', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const queued = await putInQueue(process, 'unseen', 'eu-central-1', { perSecond: 1 / 900, burst: 1 });
    const { fleetId, site } = queued;
    const { connectionKey, location } = site;
    const ref = { driver: 'sim' as const, connectionKey, location };
    const waitsMs: number[] = [];
    const { send } = process.context;
    Object.assign(process.context, {
      send: async (message: DriverMessage, delayMs: number) => {
        if (message.kind === 'poll') waitsMs.push(delayMs);
        await send(message, delayMs);
      },
    });
    // Uses up the only list permit of these 15 minutes, if the list of images has not used it.
    await permitCalls(store, site, { kind: 'list' }, [1]);
    expect((await permitCalls(store, site, { kind: 'list' }, [1])).granted).toBe(0);
    await takeSlot(site);
    const generation = await startLoop(store, ref, Date.now());
    process.send({ kind: 'poll', generation: generation ?? 0, connectionKey, location });
    await process.runUntil(() => waitsMs.length > 0, 10_000);
    expect(waitsMs).toEqual([60_000]);
    await releaseSlots(store, site, [{ instanceId: instanceId({ fleetId: 'f0123456789abcdef', index: 0 }) }]);
    // The next poll runs after a minute, which takes six seconds because the test divides delays of messages
    // by ten.
    await process.runUntil(() => booksOf(fleetId).ever === 1, 15_000);
  });
});
