import assert from 'node:assert/strict';
import { type AllWorlds, behind } from '../harness/behind.ts';
import { assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import type { Asked } from '../worlds/asked.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';
import type { Trouble } from '../worlds/script.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

const MACHINES = 150;
const SLOTS = 20;
const PER_SECOND = 10;
const START_MS = 5_000;
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
const LEAST_UP_MS = (MACHINES / SLOTS) * START_MS;
const LEAST_DOWN_MS = (MACHINES / PER_SECOND) * 1_000 + END_MS;
const MINUTE_MS = 60_000;
/**
 * Time for two polls in ms. A poll takes at most its time limit, and the next poll follows after 5 seconds.
 */
const TWO_POLLS_MS = 60_000;

type Listed = 'aws' | 'openstack';

/** Matches lists of a whole site, but not lists of single machines. */
const LIST: Readonly<Record<Listed, Pick<Trouble, 'call' | 'when'>>> = {
  openstack: {
    call: 'GET nova /servers/detail',
    when: ({ url }) => !url.searchParams.has('reservation_id') && !url.searchParams.has('tags'),
  },
  aws: {
    call: 'DescribeInstances',
    when: ({ text }: Asked) => !/InstanceId\.1|instance-id|launch-token/.test(text),
  },
};
const REMOVAL: Readonly<Record<Listed, string>> = {
  openstack: 'DELETE nova /servers/*',
  aws: 'TerminateInstances',
};

const failures: Readonly<Record<Listed, () => Response>> = {
  openstack: () =>
    Response.json({ computeFault: { code: 500, message: 'Unexpected API Error.' } }, { status: 500 }),
  aws: () => refusal(503, 'Unavailable', 'The service is unavailable. Please try again shortly.'),
};

async function play(driver: Listed, isFailing: boolean): Promise<void> {
  const worlds = (ground: ConstructorParameters<typeof SpiderWorld>[0]): AllWorlds => ({
    aws: new Ec2World({ bootMs: START_MS, terminateMs: END_MS }),
    openstack: new OpenStackWorld({ bootMs: START_MS, deleteMs: END_MS }),
    'cb-spider': new SpiderWorld(ground, { prepareMs: 0, startMs: START_MS, terminateMs: END_MS }),
  });
  await inField({ worlds }, async (field) => {
    const { stage, user, ground } = field;
    const { script } = field.worlds[driver];
    const cloud = behind(driver, field);
    const site = SITES[driver];
    await user.makeNamespace();
    await user.connect('cloud', site, { limits: LIMITS });
    const met = script.trouble({
      ...LIST[driver],
      ...(isFailing ? { answer: failures[driver] } : { lateMs: () => 200 * cloud.standing().length }),
    });
    const askedAtMs = ground.now();
    const fleet = await stage.create(user.order('web', 'cloud', site, MACHINES));
    const up = await stage.until(
      fleet.id,
      ({ status, counts }) => counts.Running === MACHINES || status === 'Failed',
    );
    assert.equal(up.counts.Running, MACHINES, JSON.stringify(up.counts));
    const upMs = ground.now() - askedAtMs;
    assert.ok(
      upMs <= LEAST_UP_MS + 2 * MINUTE_MS,
      `all machines ran after ${upMs} ms; the ideal is ${LEAST_UP_MS} ms`,
    );

    const removedAtMs = ground.now();
    await stage.remove(fleet.id);
    await stage.until(fleet.id, () => cloud.standing().length === 0);
    const downMs = ground.now() - removedAtMs;
    const [first] = script.calls(REMOVAL[driver], removedAtMs);
    const firstMs = (first?.atMs ?? Number.POSITIVE_INFINITY) - removedAtMs - END_MS;
    assert.ok(firstMs <= TWO_POLLS_MS, `the first removal was requested after ${firstMs} ms`);
    assert.ok(
      downMs <= LEAST_DOWN_MS + 2 * MINUTE_MS,
      `all machines were gone after ${downMs} ms; the ideal is ${LEAST_DOWN_MS} ms`,
    );
    assertMet('lists of the site', met);
    met.end();
    await stage.until(fleet.id, ({ status }) => status === 'Terminated');
  });
}

function kind(id: string, driver: Listed, isFailing: boolean): FieldCase {
  const list = isFailing
    ? 'a list call that fails each time'
    : 'a list call that takes 200 ms for each machine';
  return {
    id,
    title: `${list} stops neither launches nor removals of its site (driver ${driver})`,
    play: () => play(driver, isFailing),
  };
}

/**
 * Plays F23 with the drivers whose clouds list all machines in one answer. The list calls are slow or fail.
 */
export const f23EveryDriver: FieldCase[] = [
  kind('F23-aws', 'aws', false),
  kind('F23-openstack', 'openstack', false),
  kind('F23-failing-aws', 'aws', true),
  kind('F23-failing-openstack', 'openstack', true),
];
