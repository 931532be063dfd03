import { afterAll, beforeAll, expect, it } from 'vitest';
import { permitCreates } from '../../functions/governor/permit-creates.ts';
import type { WantedCreate } from '../../functions/governor/place-state.ts';
import { instanceId } from '../../functions/model/identifiers.ts';
import { limitProfileOf } from '../../functions/model/limits-in-force.ts';
import { closePlacement } from '../../functions/store/placements.ts';
import { addWaiting, readAllWaiting } from '../../functions/store/waiting.ts';
import { loadSimConfig } from '../../local/sim/config.ts';
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

const { begin, prepare, sendLaunches } = new FleetRuns(store, () => sim);

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

it('is empty in the end, though who put a launch there died before anybody was to look', async () => {
  const process = new OneProcess(store, sim.url, TIME_SCALE);
  const limits = { ...limitProfileOf('aws', undefined), concurrentInstancesPerLocation: 1 };
  process.believe(limits);
  const { fleetId, placements } = await begin(process, 'left-in-line', 1, ['us-east-2']);
  const [placement] = placements;
  if (!placement) throw new Error('no placement');
  await prepare(process, fleetId, placements);
  const place = { connectionKey: placement.connectionKey, location: placement.location, limits };
  const other = await permitCreates(store, place, [want('f0123456789abcdef', 0)]);
  expect(other.given).toHaveLength(1);
  const taskToken = `launch ${fleetId} 0 1`;
  const message = {
    kind: 'launch' as const,
    fleetId,
    index: 0,
    round: 1,
    taskToken,
    connectionKey: place.connectionKey,
    location: place.location,
  };
  await addWaiting(store, place, [{ message, wanted: want(fleetId, 0) }], { turn: 0, step: 4 });
  // Its message comes again, to a fleet that is being deleted.
  await closePlacement(store, fleetId, placement);
  expect(sendLaunches(process, { fleetId, placements })).toEqual([taskToken]);
  // The launch that came, and then the one that stood in line.
  await process.runUntil(() => (process.answers.get(taskToken) ?? []).length === 2, 10_000);
  expect(process.answers.get(taskToken)).toEqual([{ outcome: 'Cancelled' }, { outcome: 'Cancelled' }]);
  expect(await readAllWaiting(store, place)).toEqual([]);
});
