import assert from 'node:assert/strict';
import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';

const FLEETS = 6;
const SEEDS = 24;
/** Time in ms within which all requests begin. */
const TENTH_MS = 100;
const MINUTE_MS = 60_000;

/**
 * Sends a request.
 *
 * @returns when the request began and ended, and its answer; the answer is undefined if the API refused the
 *   request
 */
async function attempt<Answer>(now: () => number, ask: () => Promise<Answer>) {
  const fromMs = now();
  try {
    const answer = await ask();
    return { fromMs, toMs: now(), answer, isDone: true };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { fromMs, toMs: now(), answer: undefined, isDone: false };
  }
}

async function race(seed: number): Promise<{ isDeleted: boolean; accepted: number }> {
  return await inField({ seed, worlds: () => ({}) }, async ({ stage, user, ground }) => {
    const now = () => ground.now();
    await user.makeNamespace();
    await user.connect('cloud', SITES.sim);
    const soon = () => ground.sleep(ground.random.int(0, TENTH_MS));
    const [deletion, ...fleets] = await Promise.all([
      soon().then(() => attempt(now, () => user.removeConnection('cloud'))),
      ...Array.from({ length: FLEETS }, (_, at) =>
        soon().then(() => attempt(now, () => stage.create(user.order(`web-${at}`, 'cloud', SITES.sim, 2)))),
      ),
    ]);
    const met = fleets.filter(({ fromMs, toMs }) => fromMs < deletion.toMs && toMs > deletion.fromMs);
    assert.ok(met.length > 0, `seed ${seed}: no create overlapped with the deletion`);
    const accepted = fleets.flatMap(({ answer }) => answer ?? []);
    if (deletion.isDone) {
      assertIs(
        `seed ${seed}: fleets that were accepted on the deleted connection`,
        accepted.map(({ name }) => name),
        [],
      );
      await ground.sleep(10 * MINUTE_MS);
      assertIs(`seed ${seed}: machines left after the connection was deleted`, stage.standing().length, 0);
      return { isDeleted: true, accepted: 0 };
    }
    // The API refused the deletion. The accepted fleets must run, and their removal must succeed.
    for (const { id } of accepted) await stage.until(id, ({ status }) => status === 'Running');
    for (const { id } of accepted) await stage.remove(id);
    for (const { id } of accepted) await stage.until(id, ({ status }) => status === 'Terminated');
    assertIs(`seed ${seed}: machines left after the fleets were deleted`, stage.standing().length, 0);
    return { isDeleted: false, accepted: accepted.length };
  });
}

/**
 * Before the fix, the API accepted both the deletion and a fleet, and a machine was left that no sweep could
 * reach.
 */
export const f21: FieldCase[] = [
  {
    id: 'F21',
    title:
      'the API refuses either the deletion of a connection or all fleets that are created on it at that moment',
    async play() {
      let refused = 0;
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const { isDeleted } = await race(seed);
        if (!isDeleted) refused += 1;
      }
      assert.ok(refused > 0, 'the deletion was accepted in every race, so no race tested a refused deletion');
    },
  },
];
