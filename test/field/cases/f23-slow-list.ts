import assert from 'node:assert/strict';
import { assertMet, type FieldCase } from '../harness/case.ts';
import { inField, LOCAL, PRODUCTION } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import type { Asked } from '../worlds/asked.ts';
import type { Trouble } from '../worlds/script.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

const MACHINES = 150;
const SLOTS = 20;
const PER_SECOND = 10;
const START_MS = 5_000;
/**
 * Start time of a machine in ms, longer than the driver waits for the answer to a create call. The worker
 * then learns only from a poll that the machine runs.
 */
const LONG_START_MS = 30_000;
const END_MS = 4_000;
const LIMITS = {
  concurrentInstancesPerLocation: SLOTS,
  calls: {
    create: { perSecond: PER_SECOND, burst: SLOTS },
    list: { perSecond: 10, burst: 20 },
    mutate: { perSecond: PER_SECOND, burst: 20 },
  },
};
/**
 * Ideal times in ms until all machines run, and until all are gone. The number of slots limits the launches,
 * and the rate of calls limits the removals.
 */
const leastUpMs = (startMs: number): number => (MACHINES / SLOTS) * startMs;
const LEAST_DOWN_MS = (MACHINES / PER_SECOND) * 1_000 + END_MS;
const MINUTE_MS = 60_000;
/**
 * Time for two polls in ms. A poll takes at most its time limit, and the next poll follows after 5 seconds.
 */
const TWO_POLLS_MS = 60_000;

/**
 * Matches lists of a whole site and of one machine. Only the path for one machine contains the machine's
 * name.
 */
const LISTS = /^GET (allvminfo|vmstatus)$/;
const isOfAll = ({ url }: Asked): boolean => url.pathname.split('/').length === 3;

interface Setting {
  stage: typeof PRODUCTION;
  startMs: number;
}

/** Number of seeds of the cases whose polls read machines one by one. The order of these reads depends on the seed. */
const SEEDS = 2;

async function play(
  { stage: deployed, startMs, seed }: Setting & { seed: number },
  trouble: (world: SpiderWorld) => Omit<Trouble, 'call' | 'when'>,
): Promise<void> {
  await inField(
    {
      seed,
      stage: deployed,
      worlds: (ground) => ({
        'cb-spider': new SpiderWorld(ground, { prepareMs: 0, startMs, terminateMs: END_MS }),
      }),
    },
    async ({ stage, user, worlds, ground }) => {
      const world = worlds['cb-spider'];
      const site = SITES['cb-spider'];
      await user.makeNamespace();
      await user.connect('cloud', site, { limits: LIMITS });
      const met = world.script.trouble({ call: LISTS, when: isOfAll, ...trouble(world) });
      const askedAtMs = ground.now();
      const fleet = await stage.create(user.order('web', 'cloud', site, MACHINES));
      const up = await stage.until(
        fleet.id,
        ({ status, counts }) => counts.Running === MACHINES || status === 'Failed',
      );
      assert.equal(up.counts.Running, MACHINES, JSON.stringify(up.counts));
      const upMs = ground.now() - askedAtMs;
      const leastMs = leastUpMs(startMs);
      assert.ok(upMs <= leastMs + MINUTE_MS, `all machines ran after ${upMs} ms; the ideal is ${leastMs} ms`);

      const removedAtMs = ground.now();
      await stage.remove(fleet.id);
      await stage.until(fleet.id, () => world.standing('account-1').length === 0);
      const downMs = ground.now() - removedAtMs;
      const [first] = world.script.calls('DELETE vm', removedAtMs);
      const firstMs = (first?.atMs ?? Number.POSITIVE_INFINITY) - removedAtMs - END_MS;
      assert.ok(firstMs <= TWO_POLLS_MS, `the first removal was requested after ${firstMs} ms`);
      assert.ok(
        downMs <= LEAST_DOWN_MS + 2 * MINUTE_MS,
        `all machines were gone after ${downMs} ms; the ideal is ${LEAST_DOWN_MS} ms`,
      );
      assertMet('lists of the site', met, 3);
      met.end();
      await stage.until(fleet.id, ({ status }) => status === 'Terminated');
    },
  );
}

const byMachines = (world: SpiderWorld) => ({ lateMs: () => 200 * world.standing('account-1').length });

async function playSeeds(
  setting: Setting,
  trouble: (world: SpiderWorld) => Omit<Trouble, 'call' | 'when'>,
): Promise<void> {
  for (let seed = 1; seed <= SEEDS; seed += 1) await play({ ...setting, seed }, trouble);
}

const broken = () => ({ answer: () => Response.json({ message: 'the list broke' }, { status: 500 }) });

/**
 * Before the fix, launching stopped at 80 Running and 20 Creating, and no worker requested a removal for 130
 * seconds.
 */
export const f23: FieldCase[] = [
  {
    id: 'F23',
    title: 'a list call that takes 200 ms for each machine stops neither launches nor removals of its site',
    play: () => play({ stage: PRODUCTION, startMs: START_MS, seed: 1 }, byMachines),
  },
  {
    id: 'F23-local',
    title: 'a list call beyond the time limit of a worker in stage local stops neither launches nor removals',
    play: () => play({ stage: LOCAL, startMs: START_MS, seed: 1 }, byMachines),
  },
  {
    id: 'F23-handed-over',
    title: "a slow list call stops neither launches nor removals even if the driver's create calls time out",
    play: () => playSeeds({ stage: LOCAL, startMs: LONG_START_MS }, byMachines),
  },
  {
    id: 'F23-failing',
    title: 'a list call that fails each time stops neither launches nor removals of its site',
    play: () => playSeeds({ stage: PRODUCTION, startMs: LONG_START_MS }, broken),
  },
];
