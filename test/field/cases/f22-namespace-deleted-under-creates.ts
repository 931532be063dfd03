import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
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
      assertIs(`seed ${seed}: connections that were accepted in the deleted namespace`, accepted, 0);
      await user.makeNamespace(TENANT);
    }
    const listed = await user.connections(TENANT);
    assertIs(`seed ${seed}: connections of the namespace`, listed.length, accepted);
    assertIs(`seed ${seed}: secrets of the namespace`, secrets().length, accepted);
    return { isDeleted };
  });
}

/** Before the fix, the connections stayed, and a new namespace of that name had their credentials. */
export const f22: FieldCase[] = [
  {
    id: 'F22',
    title:
      'the API refuses either the deletion of a namespace or all connections that are created in it at that moment',
    async play() {
      const outcomes = new Set<boolean>();
      for (let seed = 1; seed <= SEEDS; seed += 1) outcomes.add((await race(seed)).isDeleted);
      assertIs(
        'number of different outcomes of the races (deletion accepted, deletion refused)',
        outcomes.size,
        2,
      );
    },
  },
];
