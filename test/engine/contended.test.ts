import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { handleBatch } from '../../functions/entrypoints/dispatch/handle-batch.ts';
import { openDocumentClient } from '../../functions/platform/store/store.ts';
import { loadSimConfig } from '../../local/sim/engine/config.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { FleetRuns } from './fleet-runs.ts';
import { delivery, OneProcess } from './one-process.ts';
import { useTables } from './tables.ts';

const TIME_SCALE = 10;
const store = useTables();
let sim: SimServer;

beforeAll(async () => {
  sim = await startSimServer({ config: loadSimConfig(), port: 0, seed: 7, timeScale: TIME_SCALE });
});
afterAll(async () => await sim.close());

/**
 * Opens the tables of this test file again. While `others()` returns true, each put to the table `governor`
 * fails as if another worker had written first.
 */
function outrun(others: () => boolean) {
  const document = openDocumentClient();
  document.middlewareStack.add(
    (next) => async (args) => {
      const { TableName } = { TableName: undefined, ...args.input };
      const isPermit = TableName === store.tables.governor && 'Item' in args.input;
      if (isPermit && others()) {
        throw new ConditionalCheckFailedException({ message: 'written by others', $metadata: {} });
      }
      return await next(args);
    },
    { step: 'initialize', name: 'outrun' },
  );
  return { ...store, document };
}

it('a launch does not fail while its worker loses every race for a permit, and its instance runs after these races', async () => {
  const runs = new FleetRuns(store, () => sim);
  let races = Number.POSITIVE_INFINITY;
  const process = new OneProcess(
    outrun(() => races-- > 0),
    sim.url,
    TIME_SCALE,
  );
  const calm = new OneProcess(store, sim.url, TIME_SCALE);
  const fleet = await runs.begin(calm, 'contended', 1, ['us-east-1']);
  await runs.prepare(calm, fleet.fleetId, fleet.placements);
  const [placement] = fleet.placements;
  const taskToken = `launch ${fleet.fleetId} 0 1`;
  const body = JSON.stringify({
    kind: 'launch',
    index: 0,
    round: 1,
    fleetId: fleet.fleetId,
    taskToken,
    connectionKey: placement?.connectionKey,
    location: placement?.location,
  });
  expect(await handleBatch(process.context, [delivery(body)])).toEqual([]);
  expect(runs.booksOf(fleet.fleetId).ever).toBe(0);
  races = 0;
  expect(await runs.answersOf(process, [taskToken])).toEqual([{ outcome: 'Running' }]);
  await runs.remove(process, fleet.fleetId);
}, 60_000);
