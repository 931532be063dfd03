import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadSimConfig } from '../../local/sim/engine/config.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { FleetRuns } from './fleet-runs.ts';
import { OneProcess } from './one-process.ts';
import { useTables } from './tables.ts';

const TIME_SCALE = 10;
const store = useTables();
let sim: SimServer;
const { begin, prepare, answersOf, remove, booksOf } = new FleetRuns(store, () => sim);

beforeAll(async () => {
  sim = await startSimServer({ config: loadSimConfig(), port: 0, seed: 5, timeScale: TIME_SCALE });
});
afterAll(async () => await sim.close());

// Two executions can request one instance: the later execution starts while messages of the earlier one are
// in flight. Each test uses another site, because the poll loop of a site continues in the process that
// started it.
it.each([
  ['before', ['old', 'new'], 'us-east-1'],
  ['after', ['new', 'old'], 'us-west-2'],
])(
  'two messages for one launch make one machine and are both answered if the old message comes %s the new message',
  async (order, tokens, home) => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const { fleetId, placements } = await begin(process, `asked-twice-${order}`, 1, [home]);
    await prepare(process, fleetId, placements);
    const [placement] = placements;
    if (!placement) throw new Error('the fleet has no placement');
    const { connectionKey, location } = placement;
    for (const taskToken of tokens) {
      process.send({ kind: 'launch', fleetId, connectionKey, location, index: 0, round: 1, taskToken });
    }
    const answers = await answersOf(process, tokens);
    expect(answers.filter((answer) => answer?.['outcome'] === 'Running')).toHaveLength(1);
    expect(booksOf(fleetId).ever).toBe(1);
    await remove(process, fleetId);
  },
);

it('a launch message with the token of an ended execution does not replace the token of a waiting step', async () => {
  const process = new OneProcess(store, sim.url, TIME_SCALE);
  const { fleetId, placements } = await begin(process, 'asked-late', 1, ['eu-west-1']);
  await prepare(process, fleetId, placements);
  const [placement] = placements;
  if (!placement) throw new Error('the fleet has no placement');
  const { connectionKey, location } = placement;
  const launch = (taskToken: string) =>
    process.send({ kind: 'launch', fleetId, connectionKey, location, index: 0, round: 1, taskToken });
  process.spent.add('void');
  launch('waited-for');
  await process.runUntil(() => booksOf(fleetId).ever === 1, 20_000);
  launch('void');
  expect(await answersOf(process, ['waited-for'])).toEqual([{ outcome: 'Running' }]);
  expect(process.answers.has('void')).toBe(false);
  await remove(process, fleetId);
});
