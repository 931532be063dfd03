import assert from 'node:assert/strict';
import { measureRun } from '../../../bench/ideal/from-books.ts';
import type { DriverName } from '../../../functions/model/connection.ts';
import type { Bucket } from '../../../functions/model/rate.ts';
import { readBooks } from '../../../local/sim/engine/books.ts';
import { calmScenario } from '../../chaos/scenario/calm.ts';
import type { AllWorlds } from '../harness/behind.ts';
import type { FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

const MACHINES = 150;
const SLOTS = 20;
const OTHERS: Bucket = { perSecond: 10, burst: 20 };
const QUICK: Bucket = { perSecond: 50, burst: 50 };
const limitsWith = (create: Bucket) => ({
  concurrentInstancesPerLocation: SLOTS,
  calls: { create, list: OTHERS, mutate: OTHERS },
});

/**
 * Launches at the simulated clouds, and compares the duration with the ideal time. Both come from the clouds'
 * record of their calls.
 */
async function atSim(create: Bucket, mostRatio: number): Promise<void> {
  const { clouds } = calmScenario(
    {},
    {
      slots: { locations: 2, instancesPerLocation: SLOTS },
      rates: { create, list: OTHERS, mutate: OTHERS },
      submitMs: [50, 150],
      bootSeconds: [0.5, 0.85],
    },
  );
  await inField({ clouds, worlds: () => ({}) }, async ({ stage, user, lab }) => {
    await user.makeNamespace();
    await user.connect('cloud', SITES.sim, { limits: limitsWith(create) });
    const fleet = await stage.create(user.order('web', 'cloud', SITES.sim, MACHINES));
    const up = await stage.until(fleet.id, ({ status }) => status === 'Running' || status === 'Failed');
    assert.equal(up.counts.Running, MACHINES, JSON.stringify(up.counts));

    const calls = stage.creates();
    const [firstMs = 0] = calls;
    const lastMs = calls.at(-1) ?? 0;
    const { ratio, idealSeconds, makespanSeconds } = measureRun({
      books: readBooks(lab.clouds.engine.world),
      limits: {
        aws: {
          locationSlots: 2,
          instanceSlotsPerLocation: SLOTS,
          createsPerSecond: create.perSecond,
          createBurst: create.burst,
        },
      },
      startedAt: new Date(firstMs).toISOString(),
    });
    assert.ok(
      ratio !== null && ratio <= mostRatio,
      `the launches took ${makespanSeconds} s, which is ${ratio} times the ideal ${idealSeconds} s`,
    );
    const polls = lab.clouds.asked.filter(
      ({ call, atMs }) => call === 'list' && atMs >= firstMs && atMs <= lastMs,
    );
    const apartMs = (lastMs - firstMs) / polls.length;
    assert.ok(apartMs < 1_500, `polls were on average ${apartMs} ms apart while launches waited for slots`);
  });
}

const START_MS = 800;

/** Launches at a scripted cloud, and measures the time from the first launch until the last instance runs. */
async function atWorld(driver: Exclude<DriverName, 'sim'>, mostMs: number): Promise<void> {
  const worlds = (ground: ConstructorParameters<typeof SpiderWorld>[0]): AllWorlds => ({
    aws: new Ec2World({ bootMs: START_MS }),
    openstack: new OpenStackWorld({ bootMs: START_MS }),
    'cb-spider': new SpiderWorld(ground, { prepareMs: 100, startMs: START_MS - 100 }),
  });
  await inField({ worlds }, async ({ stage, user }) => {
    await user.makeNamespace();
    await user.connect('cloud', SITES[driver], { limits: limitsWith(QUICK) });
    const fleet = await stage.create(user.order('web', 'cloud', SITES[driver], MACHINES));
    const up = await stage.until(fleet.id, ({ status }) => status === 'Running' || status === 'Failed');
    assert.equal(up.counts.Running, MACHINES, JSON.stringify(up.counts));
    const instances = await user.instances(fleet);
    const launched = Math.min(...instances.map(({ launchedAt = '' }) => Date.parse(launchedAt)));
    const ran = Math.max(...instances.map(({ runningAt = '' }) => Date.parse(runningAt)));
    assert.ok(
      ran - launched <= mostMs,
      `all machines ran after ${ran - launched} ms; at most ${mostMs} ms are allowed`,
    );
  });
}

const inTime = (id: string, what: string, play: () => Promise<void>): FieldCase => ({
  id,
  title: `${MACHINES} machines that boot in under a second all run, in ${SLOTS} slots of one location, ${what}`,
  play,
});

/**
 * Before the fix, polls were 5.3 seconds apart, because each poll found all slot holders running. The launches
 * took 44 seconds. Another tool launched the same machines in 22 seconds.
 */
export const f24: FieldCase[] = [
  inTime('F24', 'within 1.3 times the ideal time', () => atSim({ perSecond: 5, burst: 20 }, 1.3)),
  // Here, the interval of one second between polls and the time to grant a slot to the next launch are longer
  // than a boot.
  inTime('F24-quick-calls', 'within 1.6 times the ideal time at 50 creates a second', () =>
    atSim(QUICK, 1.6),
  ),
  inTime('F24-cb-spider', 'within 14 s (driver cb-spider)', () => atWorld('cb-spider', 14_000)),
  inTime('F24-aws', 'within 16 s (driver aws)', () => atWorld('aws', 16_000)),
  inTime('F24-openstack', 'within 16 s (driver openstack)', () => atWorld('openstack', 16_000)),
];
