import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instanceId } from '../../functions/model/identifiers.ts';
import { readHolders } from '../../functions/platform/governor/hold-location.ts';
import { readInstances } from '../../functions/platform/store/instances.ts';
import { openPlacement, pausePlacement } from '../../functions/platform/store/placements.ts';
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

const runs = new FleetRuns(store, () => sim);

async function ready(name: string, location: string) {
  const process = new OneProcess(store, sim.url, TIME_SCALE);
  const fleet = await runs.begin(process, name, 1, [location]);
  await runs.prepare(process, fleet.fleetId, fleet.placements);
  const [placement] = fleet.placements;
  if (!placement) throw new Error('the fleet has no placement');
  const ref = { fleetId: fleet.fleetId, index: 0 };
  return {
    process,
    fleet,
    placement,
    record: async () => (await readInstances(store, [ref])).get(instanceId(ref)),
    answers: (tokens: readonly string[]) => runs.answersOf(process, tokens),
  };
}

describe('the give-up message', () => {
  it('a launch that was given up before any worker claimed it makes no machine if its message is delivered later', async () => {
    const { process, fleet, placement, record, answers } = await ready('unclaimed', 'us-east-1');
    expect(await answers([runs.sendGiveUp(process, fleet, 0)])).toEqual([{ outcome: 'Failed' }]);
    expect(await record()).toMatchObject({ status: 'Failed', failure: { code: 'Timeout' } });
    expect(await answers(runs.sendLaunches(process, fleet))).toEqual([{ outcome: 'Failed' }]);
    expect(runs.booksOf(fleet.fleetId).ever).toBe(0);
    expect(await readHolders(store, placement)).toEqual({});
    await runs.remove(process, fleet.fleetId);
  }, 60_000);

  it('giving up a launch of a second round fails the instance in that round', async () => {
    const { process, fleet, placement, record, answers } = await ready('second-round', 'us-west-2');
    await answers([runs.sendGiveUp(process, fleet, 0)]);
    await pausePlacement(store, fleet.fleetId, placement, 1);
    await openPlacement(store, fleet.fleetId, placement, 2);
    expect(await answers([runs.sendGiveUp(process, fleet, 0, 2)])).toEqual([{ outcome: 'Failed' }]);
    expect(await record()).toMatchObject({ status: 'Failed', round: 2 });
    expect(await answers(runs.sendLaunches(process, fleet, 2))).toEqual([{ outcome: 'Failed' }]);
    expect(runs.booksOf(fleet.fleetId).ever).toBe(0);
    await runs.remove(process, fleet.fleetId);
  }, 60_000);

  it('giving up a launch while launching is paused cancels it and writes no record', async () => {
    const { process, fleet, placement, record, answers } = await ready('rested', 'eu-west-1');
    await pausePlacement(store, fleet.fleetId, placement, 1);
    expect(await answers([runs.sendGiveUp(process, fleet, 0)])).toEqual([{ outcome: 'Cancelled' }]);
    expect(await record()).toBeUndefined();
    await runs.remove(process, fleet.fleetId);
  }, 60_000);

  it('if the instance of a launch runs, giving up the launch answers Running and keeps the instance', async () => {
    const { process, fleet, record, answers } = await ready('late', 'eu-central-1');
    expect(await answers(runs.sendLaunches(process, fleet))).toEqual([{ outcome: 'Running' }]);
    expect(await answers([runs.sendGiveUp(process, fleet, 0)])).toEqual([{ outcome: 'Running' }]);
    expect(await record()).toMatchObject({ status: 'Running' });
    await runs.remove(process, fleet.fleetId);
  }, 60_000);
});
