import assert from 'node:assert/strict';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { DRY_RUN_STATUS } from '../harness/zone-of-launch.ts';
import { Ec2World } from '../worlds/ec2/world.ts';

const SIZE = 600;
const MOST_CALLS = 1.2;
/**
 * With EC2's own rate of machines, six calls for a hundred machines each go out together, before the first answer. A third
 * of them meets the full zone, and goes to another zone once.
 */
const MOST_OF_LARGE_CALLS = 1 + 1 / 3;
/** With these limits, a call is for at most 60 machines. Machines have EC2's own refill. */
const BURST = 60;
const LIMITS = {
  calls: { create: { perSecond: 20, burst: BURST } },
  instances: { perSecond: 2, burst: BURST },
};
const FULL = 'us-east-1a';
const ZONES = [FULL, 'us-east-1b', 'us-east-1c'];

interface Launched {
  status: string;
  failures: string;
  /** Number of calls of RunInstances. */
  calls: number;
  /** Number of running machines, by zone. */
  byZone: Readonly<Record<string, number>>;
  refused: number;
  scarce: string[];
}

/**
 * Launches a fleet.
 *
 * @param room number of further machines for which a zone has room. Absent: the zone is never full
 */
async function launch(
  size: number,
  room: Record<string, number> = {},
  limits: object = LIMITS,
): Promise<Launched> {
  return await inField({ worlds: () => ({ aws: new Ec2World() }) }, async (field) => {
    const { stage, user, worlds, ground } = field;
    await user.makeNamespace();
    await user.connect('cloud', SITES.aws, { limits });
    const region = worlds.aws.region();
    for (const [zone, left] of Object.entries(room)) region.room.set(zone, left);
    const askedAtMs = ground.now();
    const fleet = await stage.create(user.order('web', 'cloud', SITES.aws, size));
    const up = await stage.until(fleet.id, ({ status }) => status !== 'Preparing' && status !== 'Creating');
    const machines = worlds.aws.standing(ground.now());
    const { governor } = await user.limits('cloud');
    return {
      status: up.status,
      failures: JSON.stringify(up.failures),
      calls: worlds.aws.script
        .calls('RunInstances', askedAtMs)
        .filter(({ status }) => status !== DRY_RUN_STATUS).length,
      byZone: Object.fromEntries(
        ZONES.map((zone) => [zone, machines.filter((one) => one.zone === zone).length]),
      ),
      refused: region.refusedAsFull,
      scarce: governor.locations.flatMap(({ reasons }) =>
        reasons.flatMap((reason) => (reason.why === 'capacity' ? [reason.zone ?? '*'] : [])),
      ),
    };
  });
}

/** @param mostMore maximum number of calls with the full zone, for each call without it */
async function full(limits: object, mostMore: number): Promise<void> {
  const without = await launch(SIZE, {}, limits);
  assert.equal(without.status, 'Running', without.failures);
  assertIs('machines by zone', without.byZone, Object.fromEntries(ZONES.map((zone) => [zone, SIZE / 3])));
  const during = await launch(SIZE, { [FULL]: 0 }, limits);
  assert.equal(during.status, 'Running', during.failures);
  const [, ...open] = ZONES;
  assertIs('machines by zone', during.byZone, {
    [FULL]: 0,
    ...Object.fromEntries(open.map((zone) => [zone, SIZE / 2])),
  });
  assert.deepEqual(during.scarce, [FULL]);
  const ratio = during.calls / without.calls;
  assert.ok(
    ratio <= mostMore,
    `${during.calls} calls with the full zone, ${without.calls} without: ${ratio.toFixed(2)} times`,
  );
}

/** Fills the room of all zones exactly, although each call asks for several machines. */
async function exact(): Promise<void> {
  const { status, byZone, failures } = await launch(24, { [FULL]: 3, 'us-east-1b': 7, 'us-east-1c': 14 });
  assert.equal(status, 'Running', failures);
  assertIs('machines by zone', byZone, { [FULL]: 3, 'us-east-1b': 7, 'us-east-1c': 14 });
}

async function everywhere(): Promise<void> {
  const { status, byZone, failures } = await launch(12, Object.fromEntries(ZONES.map((zone) => [zone, 1])));
  assert.equal(status, 'PartiallyRunning', failures);
  assertIs('machines by zone', byZone, Object.fromEntries(ZONES.map((zone) => [zone, 1])));
  assert.ok(failures.includes('do not have sufficient m6i.large capacity'), failures);
}

/** Ends a machine for lack of capacity after EC2 accepted its launch, as EC2 does now and then. */
async function endsLater(): Promise<void> {
  await inField({ worlds: () => ({ aws: new Ec2World() }) }, async (field) => {
    const { stage, user, worlds, ground } = field;
    await user.makeNamespace();
    await user.connect('cloud', SITES.aws);
    const fleet = await stage.create(user.order('web', 'cloud', SITES.aws, 9));
    const ended = new Set<string>();
    const up = await stage.until(fleet.id, ({ status }) => {
      for (const machine of worlds.aws.standing(ground.now())) {
        if (machine.zone !== FULL || ground.now() >= machine.runsAtMs) continue;
        machine.endsAtMs = ground.now();
        machine.reason = {
          code: 'Server.InsufficientInstanceCapacity',
          message: 'Server.InsufficientInstanceCapacity: There was insufficient capacity available',
        };
        ended.add(machine.id);
      }
      return status !== 'Preparing' && status !== 'Creating';
    });
    assert.equal(up.status, 'Running', JSON.stringify(up.failures));
    assert.ok(ended.size > 0, 'no machine was ended');
    const zones = worlds.aws.standing(ground.now()).map(({ zone }) => zone);
    assert.ok(!zones.includes(FULL), `machines are in ${zones.join(', ')}`);
  });
}

/**
 * When the driver chose the zone, 68 of 600 instances failed, and workers made 4.5 times the create calls of a run
 * without the full zone.
 */
export const f07: FieldCase[] = [
  {
    id: 'F7',
    title: `all of ${SIZE} instances run if one of three zones is full, with at most ${MOST_CALLS} times the calls`,
    play: () => full(LIMITS, MOST_CALLS),
  },
  {
    id: 'F7-large-calls',
    title: `all of ${SIZE} instances run if one of three zones is full, and no call for it is repeated more than once`,
    play: () => full({ calls: LIMITS.calls }, MOST_OF_LARGE_CALLS),
  },
  {
    id: 'F7-exact-room',
    title: 'instances fill the room of all zones exactly, although each call asks for several machines',
    play: exact,
  },
  {
    id: 'F7-everywhere',
    title: 'instances fail with EC2’s message after EC2 refused each instance alone in every zone',
    play: everywhere,
  },
  {
    id: 'F7-ends-later',
    title: 'an instance is created in another zone if its machine ends for lack of capacity before it runs',
    play: endsLater,
  },
];
