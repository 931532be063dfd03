import assert from 'node:assert/strict';
import type { FleetRequest } from '../../../functions/model/fleet-request.ts';
import type { FieldCase } from '../harness/case.ts';
import { assertMet } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import type { Asked } from '../worlds/http.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

const SIZE = 20;
const LIMIT_SECONDS = 1_200;
/** A few equal answers over a minute, then the removal of the others. */
const MOST_MS = 180_000;

const isRefused = ({ text }: Asked): boolean => /"Name":"[^"]*00007[0-9a-z]{2}"/.test(text);

function play(words: string, failurePolicy: FleetRequest['failurePolicy']): () => Promise<void> {
  return () =>
    inField(
      { worlds: (ground) => ({ 'cb-spider': new SpiderWorld(ground) }) },
      async ({ stage, user, worlds, ground }) => {
        const world = worlds['cb-spider'];
        const site = SITES['cb-spider'];
        await user.makeNamespace();
        await user.connect('cloud', site);
        const met = world.script.trouble({
          call: 'POST vm',
          when: isRefused,
          answer: () => Response.json({ message: words }, { status: 500 }),
        });
        const askedAtMs = ground.now();
        const traits = { failurePolicy, instanceTimeoutSeconds: LIMIT_SECONDS };
        const fleet = await stage.create(user.order('web', 'cloud', site, SIZE, traits));
        const ended = await stage.until(
          fleet.id,
          ({ status }) => !['Preparing', 'Creating', 'RollingBack'].includes(status),
        );
        const tookMs = ground.now() - askedAtMs;
        const expected = { rollback: 'RolledBack', continue: 'PartiallyRunning', refine: 'Running' } as const;
        assert.equal(ended.status, expected[failurePolicy], JSON.stringify(ended.counts));
        assert.ok(
          tookMs < MOST_MS,
          `it was decided after ${tookMs} ms; the time limit is ${LIMIT_SECONDS} s`,
        );
        const told = JSON.stringify(ended.failures);
        assert.ok(told.includes(words), `the cloud's words are told: ${told}`);
        assert.equal(world.standing('account-1').length, failurePolicy === 'rollback' ? 0 : SIZE - 1);
        assertMet('creates that were refused', met, 3);
      },
    );
}

const title = (words: string, policy: string) =>
  `one of ${SIZE} creates that is refused each time with “${words}” has failed after a few equal answers over a minute (policy ${policy})`;
const kind = (id: string, words: string, policy: FleetRequest['failurePolicy']): FieldCase => ({
  id,
  title: title(words, policy),
  play: play(words, policy),
});

/** Was: tried again until the time limit, 20 minutes by default. */
export const f25: FieldCase[] = [kind('F25', 'Internal Server Error', 'rollback')];
