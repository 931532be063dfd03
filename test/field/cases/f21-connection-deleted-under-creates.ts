import assert from 'node:assert/strict';
import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import type { FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';

const FLEETS = 6;
const SEEDS = 24;
/** The requests come within this. */
const TENTH_MS = 100;
const MINUTE_MS = 60_000;

/** @returns when it began and ended, and what came of it: undefined when it was refused */
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
    assert.ok(met.length > 0, `seed ${seed}: no request was under way together with the deletion`);
    const accepted = fleets.flatMap(({ answer }) => answer ?? []);
    if (deletion.isDone) {
      assert.deepEqual(
        accepted.map(({ name }) => name),
        [],
        `seed ${seed}: fleets were accepted on a connection that was deleted`,
      );
      await ground.sleep(10 * MINUTE_MS);
      assert.equal(stage.standing().length, 0, `seed ${seed}: no machine is left out of reach`);
      return { isDeleted: true, accepted: 0 };
    }
    // A deletion that was refused has changed nothing: what was accepted comes up, and can be removed.
    for (const { id } of accepted) await stage.until(id, ({ status }) => status === 'Running');
    for (const { id } of accepted) await stage.remove(id);
    for (const { id } of accepted) await stage.until(id, ({ status }) => status === 'Terminated');
    assert.equal(stage.standing().length, 0, `seed ${seed}: all machines are gone`);
    return { isDeleted: false, accepted: accepted.length };
  });
}

/** Was: 204 and 202; one machine was left running, out of reach of the sweep. */
export const f21: FieldCase[] = [
  {
    id: 'F21',
    title:
      'a connection that is deleted in the same tenth of a second as fleets on it are asked for: the deletion is refused, or the fleets are',
    async play() {
      let refused = 0;
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const { isDeleted } = await race(seed);
        if (!isDeleted) refused += 1;
      }
      assert.ok(refused > 0, 'fleets were first in none of the races');
    },
  },
];
