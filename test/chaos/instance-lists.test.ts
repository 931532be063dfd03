import { expect, it } from 'vitest';
import { EAST, expectAfter, isGone, isUp, limited, PATIENT } from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';
import { NAMESPACE } from './world/lab.ts';

const [location = ''] = EAST.locations;
const MACHINE = { connection: 'sim-aws', location, instanceType: 'small', image: 'linux' };

/** Asks for a list of instances, twice under one key. @returns the id of their fleet, and their names in order */
async function createList(stage: Stage, instances: object[]) {
  const ask = () =>
    stage.lab.request(({ createInstance }) =>
      createInstance({
        params: { namespace: NAMESPACE },
        query: {},
        body: { name: 'batch', instances: instances.map((one) => ({ ...MACHINE, ...one })) },
        idempotencyKey: 'list-1',
      }),
    );
  const [{ body }, { body: again }] = await Promise.all([ask(), ask()]);
  if (!('items' in body && 'items' in again)) throw new TypeError('the answer is no list of instances');
  expect(again.fleetId).toBe(body.fleetId);
  return { id: body.fleetId, names: body.items.map(({ name }) => name) };
}

it(
  'a hundred alike instances of a list go out in the calls that the cloud allows, and run',
  PATIENT,
  async () => {
    await expectAfter(
      async (stage) => {
        const { id, names } = await createList(stage, [{ name: 'worker', count: 99 }, { name: 'last' }]);
        expect([names.length, names[0], names[99]]).toEqual([100, 'worker-1', 'last']);
        await stage.until(id, isUp);
        expect(stage.creates()).toHaveLength(2);
        await stage.remove(id);
        await stage.until(id, isGone);
      },
      { Terminated: 1 },
      limited(
        {},
        { instancesPerCall: 50, slots: { locations: null, instancesPerLocation: null }, instanceQuota: 200 },
      ),
    );
  },
);
