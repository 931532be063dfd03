import { expect, test } from 'vitest';
import { readSites } from '../../../../functions/platform/governor/read-sites.ts';
import { createKey } from '../../../../functions/platform/governor/site.ts';
import { IDLE_SITE, siteStateSchema } from '../../../../functions/platform/governor/site-state.ts';
import { loopKey } from '../../../../functions/platform/store/keys.ts';
import { startLoop } from '../../../../functions/platform/store/loops.ts';
import { updateVersioned } from '../../../../functions/platform/store/versioned.ts';
import { workerWorld } from '../../../samples/worker-world.ts';

const siteAt = (location: string) => ({ driver: 'sim', connectionKey: 'sim/default/sim-aws', location });

test('the state of fifty sites is one read, in the order of the sites', async () => {
  const world = workerWorld(0);
  const { store } = world.context;
  const sites = Array.from({ length: 50 }, (_, at) => siteAt(`place-${at}`));
  const [first = siteAt(''), second = siteAt('')] = sites;
  await startLoop(store, first, 1_000);
  const state = { ...IDLE_SITE, turn: 7 };
  await updateVersioned(store, createKey(second), siteStateSchema, () => ({ state, answer: undefined }));
  const requests: string[] = [];
  world.meet = (input) => {
    requests.push(input);
    return Promise.resolve();
  };
  const known = await readSites(store, sites);
  expect(requests).toHaveLength(1);
  expect(requests[0]).toContain(JSON.stringify(loopKey(first.driver, first.connectionKey, first.location)));
  expect(known).toHaveLength(50);
  expect(known[0]).toMatchObject({ loop: { location: 'place-0' }, state: undefined });
  expect(known[1]).toMatchObject({ loop: undefined, state: { turn: 7 } });
  expect(known[2]).toEqual({ loop: undefined, state: undefined });
  world.end();
});

test('no sites are no request', async () => {
  const world = workerWorld(0);
  world.meet = () => Promise.reject(new Error('a request was made'));
  expect(await readSites(world.context.store, [])).toEqual([]);
  world.end();
});
