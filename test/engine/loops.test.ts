import { expect, it } from 'vitest';
import {
  endLoop,
  listLoops,
  scheduleNextPoll,
  startLoop,
  takePoll,
} from '../../functions/platform/store/loops.ts';
import { useTables } from './tables.ts';

const store = useTables();
const siteOf = (location: string) => ({ driver: 'sim', connectionKey: 'sim/default/sim-aws', location });

/** Starts a poll loop and takes its second poll. The first poll found nothing. */
async function aboutToEnd(location: string) {
  const ref = siteOf(location);
  const generation = await startLoop(store, ref, Date.now());
  const first = await takePoll(store, ref, generation ?? 0);
  if (!first) throw new Error('the first poll was not taken');
  const next = { nextPollAtMs: Date.now(), active: true, idle: false, emptyPolls: 1 };
  await scheduleNextPoll(store, ref, first.generation, next);
  const second = await takePoll(store, ref, first.generation);
  if (!second) throw new Error('the second poll was not taken');
  return { ref, loop: second };
}

const stateOf = async (location: string) =>
  (await listLoops(store, 'sim')).find((loop) => loop.location === location);

it('a poll loop ends after two polls that found nothing, and can be started again', async () => {
  const { ref, loop } = await aboutToEnd('us-east-1');
  expect(await endLoop(store, ref, loop, false)).toBe(true);
  expect(await stateOf('us-east-1')).toMatchObject({ active: false, emptyPolls: 2 });
  expect(await startLoop(store, ref, Date.now())).toBe(loop.generation + 1);
});

it('a poll loop does not end if a worker launches an instance after the last poll read the site', async () => {
  const { ref, loop } = await aboutToEnd('us-east-2');
  // The poll has read the site. Then a worker launches an instance there and sees that the loop is active.
  expect(await startLoop(store, ref, Date.now())).toBeUndefined();
  expect(await endLoop(store, ref, loop, true)).toBe(false);
  expect(await stateOf('us-east-2')).toMatchObject({ active: true, idle: false, emptyPolls: 0 });
});

it('if several workers start a poll loop while it ends, at most one of them succeeds', async () => {
  const { ref, loop } = await aboutToEnd('us-west-1');
  const [ended, ...started] = await Promise.all([
    endLoop(store, ref, loop, true),
    ...[1, 2, 3].map(() => startLoop(store, ref, Date.now())),
  ]);
  const generations = started.filter((generation) => generation !== undefined);
  expect(generations).toHaveLength(ended ? 1 : 0);
  expect(await stateOf('us-west-1')).toMatchObject({ active: true, idle: false });
});
