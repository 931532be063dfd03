import assert from 'node:assert/strict';
import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import type { FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';

const TENANT = 'tenant';
const CONNECTIONS = 7;
const SEEDS = 24;
const TENTH_MS = 100;
const MINUTE_MS = 60_000;

async function isDone(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

async function race(seed: number): Promise<{ isDeleted: boolean }> {
  return await inField({ seed, worlds: () => ({}) }, async ({ lab, user, ground }) => {
    await user.makeNamespace(TENANT);
    const soon = () => ground.sleep(ground.random.int(0, TENTH_MS));
    const made = (name: string) => user.makeConnection(name, SITES.sim, { namespace: TENANT });
    const [isDeleted, ...answers] = await Promise.all([
      soon().then(() => isDone(() => user.removeNamespace(TENANT))),
      ...Array.from({ length: CONNECTIONS }, (_, at) => soon().then(() => isDone(() => made(`cloud-${at}`)))),
    ]);
    const accepted = answers.filter((one) => one).length;
    await ground.sleep(5 * MINUTE_MS);
    const secrets = () => lab.parameters.names.filter((name) => name.includes(`/${TENANT}/`));
    if (isDeleted) {
      assert.equal(accepted, 0, `seed ${seed}: connections were made in a namespace that was deleted`);
      await user.makeNamespace(TENANT);
    }
    const listed = await user.connections(TENANT);
    assert.equal(listed.length, accepted, `seed ${seed}: connections of the namespace`);
    assert.equal(secrets().length, accepted, `seed ${seed}: secrets of the namespace`);
    return { isDeleted };
  });
}

/** Was: the connections lived on, and a new namespace of that name inherited their credentials. */
export const f22: FieldCase[] = [
  {
    id: 'F22',
    title:
      'a namespace that is deleted among creates of connections in it: one of them is refused, and a namespace that is made again has nothing of the old one',
    async play() {
      const outcomes = new Set<boolean>();
      for (let seed = 1; seed <= SEEDS; seed += 1) outcomes.add((await race(seed)).isDeleted);
      assert.equal(outcomes.size, 2, 'the deletion was first in some races, and last in others');
    },
  },
];
