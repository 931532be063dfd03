import assert from 'node:assert/strict';
import { assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

const MACHINES = 6;
const SLOTS = 2;
const START_MS = 3_000;
/** From an answer to the next create, which its slot is for: no look comes as soon. */
const HAND_OVER_MS = 1_500;

/** Was: Creating until the next look. */
export const f26: FieldCase[] = [
  {
    id: 'F26',
    title:
      'a create that is answered only when the machine runs is recorded Running from its answer, and its slot is free at once',
    play: () =>
      inField(
        {
          worlds: (ground) => ({
            'cb-spider': new SpiderWorld(ground, { prepareMs: 0, startMs: START_MS }),
          }),
        },
        async ({ stage, user, worlds }) => {
          const { script } = worlds['cb-spider'];
          const site = SITES['cb-spider'];
          await user.makeNamespace();
          await user.connect('cloud', site, { limits: { concurrentInstancesPerLocation: SLOTS } });
          // Only the answers can tell that a machine runs.
          const blind = script.trouble({
            call: /^GET (allvminfo|vmstatus)$/,
            answer: () =>
              Response.json({ message: 'failed to list: context deadline exceeded' }, { status: 500 }),
          });
          const fleet = await stage.create(user.order('web', 'cloud', site, MACHINES));
          const up = await stage.until(
            fleet.id,
            ({ status, counts }) => counts.Running === MACHINES || status === 'Failed',
          );
          assert.equal(up.counts.Running, MACHINES, JSON.stringify(up.counts));
          assertMet('looks that could not see it', blind);
          const starts = script.calls('POST vm').map(({ atMs }) => atMs - START_MS);
          assert.equal(starts.length, MACHINES);
          const rounds = MACHINES / SLOTS;
          const tookMs = (starts.at(-1) ?? 0) - (starts[0] ?? 0);
          assert.ok(
            tookMs <= (rounds - 1) * (START_MS + HAND_OVER_MS),
            `the creates began within ${tookMs} ms of the first`,
          );
        },
      ),
  },
];
