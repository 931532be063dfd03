import { describe, expect, it } from 'vitest';
import { DRIVER_ERROR_CODES } from '../../functions/drivers/contract/errors.ts';
import {
  LAUNCH_ABANDONED,
  provisionLocationInputSchema,
} from '../../functions/platform/workflow/messages.ts';
import {
  assignmentOf,
  EXECUTION,
  FLEET_ID,
  locationNames,
  type Part,
  withGiven,
} from './assignment-builder.ts';
import { type Answerer, allGood, peak, type Sent, World } from './world.ts';

const parts = (size: number, locations = 1): Part[] => [
  { cloud: 'ncp', connection: 'production-ncp', locations: locationNames('ncp', locations), size },
];

/** Answers the launch of instance `index` with `answer`, and every other message as `allGood` does. */
function butFor(index: number, answer: ReturnType<Answerer>): Answerer {
  return (message) => (message.kind === 'launch' && message.index === index ? answer : allGood(message));
}

const settled = { status: 'SUCCEEDED', output: { ...EXECUTION, status: 'Running' } };

describe('concurrency', () => {
  it('a location runs two child executions at a time, and each has as many concurrent launches as the location has slots', async () => {
    const world = new World(assignmentOf(parts(2_100)));
    await world.run('provision-fleet');
    const launches = world.sent.filter(({ message }) => message.kind === 'launch');
    expect(launches).toHaveLength(2_100);
    const within = (from: number, to: number) =>
      launches.filter(({ message }) => 'index' in message && message.index >= from && message.index < to);
    expect(peak(launches)).toBe(2 * 30);
    expect([peak(within(0, 1_000)), peak(within(1_000, 2_000)), peak(within(2_000, 2_100))]).toEqual([
      30, 30, 30,
    ]);
    // The third child begins when the first has ended.
    const firstEnds = Math.max(...within(0, 1_000).map(({ answeredAt = 0 }) => answeredAt));
    expect(Math.min(...within(2_000, 2_100).map(({ at }) => at))).toBeGreaterThanOrEqual(firstEnds);
    const children = world.executionsOf('provision-location');
    expect(children.map(({ input }) => provisionLocationInputSchema.parse(input))).toMatchObject([
      { first: 0, last: 999 },
      { first: 1_000, last: 1_999 },
      { first: 2_000, last: 2_099 },
    ]);
    expect(children.map(({ outcome }) => outcome)).toMatchObject([
      { output: { count: 1_000, running: 1_000 } },
      { output: { count: 1_000, running: 1_000 } },
      { output: { count: 100, running: 100 } },
    ]);
  });

  it('a location with more slots than two child executions can use has more child executions at a time', async () => {
    const world = new World(assignmentOf(parts(1_000), 1_200, { concurrentInstancesPerLocation: 100 }));
    await world.run('provision-fleet');
    expect(peak(world.sent.filter(({ message }) => message.kind === 'launch'))).toBe(200);
    const children = world.executionsOf('provision-location');
    expect(children.map(({ input }) => provisionLocationInputSchema.parse(input))).toMatchObject(
      [0, 200, 400, 600, 800].map((first) => ({ first, last: first + 199, concurrentInstances: 40 })),
    );
    expect(new Set(world.messages('launch').map(({ index }) => index)).size).toBe(1_000);
  });

  it('provision-fleet works at as many locations of a connection at the same time as the assignment allows', async () => {
    const world = new World(assignmentOf(parts(36, 12)));
    await world.run('provision-fleet');
    const busy = new Map<string, Sent>();
    for (const sent of world.sent) {
      const location = 'location' in sent.message ? sent.message.location : '';
      const known = busy.get(location);
      if (known) known.answeredAt = sent.answeredAt;
      else busy.set(location, { ...sent });
    }
    expect(busy.size).toBe(12);
    expect(peak([...busy.values()])).toBe(5);
  });

  it('provision-fleet starts at all clouds at the same time', async () => {
    const both: Part[] = [
      { cloud: 'aws', connection: 'aws-one', locations: locationNames('aws', 1), size: 1 },
      { cloud: 'gcp', connection: 'gcp-one', locations: locationNames('gcp', 1), size: 1 },
    ];
    const world = new World(assignmentOf(both));
    await world.run('provision-fleet');
    expect(world.sent.map(({ at, message }) => [at, message.kind])).toEqual([
      [0, 'prepare-networks'],
      [0, 'prepare-networks'],
      [1_000, 'launch'],
      [1_000, 'launch'],
    ]);
  });
});

it('each launch and give-up message has the `round` that the assignment states for the site', async () => {
  const assignment = assignmentOf(parts(3));
  for (const { sites } of assignment.clouds) for (const site of sites) site.round = 4;
  const world = new World(assignment, butFor(1, undefined));
  await world.run('provision-fleet');
  expect(world.messages('launch').map(({ round }) => round)).toEqual([4, 4, 4]);
  expect(world.messages('give-up').map(({ round }) => round)).toEqual([4]);
});

describe('an instance that fails', () => {
  it.each([...DRIVER_ERROR_CODES, LAUNCH_ABANDONED])(
    'an instance that fails with %s is not launched again, and the other instances are launched',
    async (failure) => {
      const world = new World(assignmentOf(parts(30)), butFor(7, { afterMs: 100, failure }));
      expect(await world.run('provision-fleet')).toEqual(settled);
      expect(world.messages('launch')).toHaveLength(30);
      expect(world.messages('give-up')).toEqual([]);
      const [child] = world.executionsOf('provision-location');
      expect(child?.outcome).toEqual({ status: 'SUCCEEDED', output: { count: 30, running: 29 } });
    },
  );

  it('a worker may complete the task of a launch with the outcome Failed instead of failing the task', async () => {
    const answer = { afterMs: 100, success: { outcome: 'Failed' } };
    const world = new World(assignmentOf(parts(30)), butFor(7, answer));
    expect(await world.run('provision-fleet')).toEqual(settled);
    const [child] = world.executionsOf('provision-location');
    expect(child?.outcome).toMatchObject({ output: { count: 30, running: 29 } });
    expect(child?.history.transitions).toBe(31);
  });

  it("a launch that no worker answers is given up five minutes after the fleet's instance timeout", async () => {
    const world = new World(assignmentOf(parts(3), 600), butFor(1, undefined));
    expect(await world.run('provision-fleet')).toEqual(settled);
    const sentAt = world.sent.find(({ message }) => message.kind === 'launch')?.at ?? 0;
    const [giveUp, ...more] = world.sent.filter(({ message }) => message.kind === 'give-up');
    expect(more).toEqual([]);
    expect(giveUp?.at).toBe(sentAt + 900_000);
    expect(giveUp?.message).toMatchObject({ index: 1, fleetId: FLEET_ID, code: 'States.HeartbeatTimeout' });
  });

  it('an instance is counted as not running if neither its launch message nor its give-up messages are answered', async () => {
    const world = new World(assignmentOf(parts(3)), (message) =>
      message.kind === 'give-up' ? undefined : butFor(1, undefined)(message),
    );
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(world.messages('give-up')).toHaveLength(2);
    const [child] = world.executionsOf('provision-location');
    expect(child?.outcome).toMatchObject({ output: { count: 3, running: 2 } });
  });
});

describe('what the fleet names by the clouds’ own ids', () => {
  const answered = (answer: ReturnType<Answerer>): Answerer => {
    return (message) =>
      message.kind === 'verify-site' && message.location.endsWith('-1') ? answer : allGood(message);
  };

  it('is verified at all sites before network resources are prepared at any', async () => {
    const slow = answered({ afterMs: 40_000, success: { outcome: 'Verified' } });
    const world = new World(withGiven(assignmentOf(parts(10, 2))), slow);
    expect(await world.run('provision-fleet')).toEqual(settled);
    const verified = world.sent.filter(({ message }) => message.kind === 'verify-site');
    expect(verified.map(({ at }) => at)).toEqual([0, 0]);
    const prepared = world.sent.filter(({ message }) => message.kind === 'prepare-networks');
    expect(prepared.map(({ at }) => at)).toEqual([40_000, 40_000]);
  });

  it.each([
    ['fails again and again', { afterMs: 50, failure: 'Unavailable' }],
    ['is not answered', undefined],
  ])('holds the fleet for a limited time if the verification of a site %s', async (_, answer) => {
    const world = new World(withGiven(assignmentOf(parts(10, 2))), answered(answer));
    expect(await world.run('provision-fleet')).toEqual(settled);
    const prepared = world.sent.filter(({ message }) => message.kind === 'prepare-networks');
    expect(prepared).toHaveLength(2);
    expect(Math.max(...prepared.map(({ at }) => at))).toBeLessThanOrEqual(300_000);
    expect(world.messages('launch')).toHaveLength(10);
  });
});

describe('a location without network resources', () => {
  const refuse =
    (failure: string, times: number): Answerer =>
    (message) => {
      if (message.kind !== 'prepare-networks' || !message.location.endsWith('-1')) return allGood(message);
      times -= 1;
      return times < 0 ? allGood(message) : { afterMs: 50, failure };
    };

  it.each(['QuotaExceeded', 'Unauthorized', 'Forbidden', 'InvalidRequest', 'Unsupported'])(
    'provision-fleet sends the launches of a location even if its network preparation fails with %s',
    async (failure) => {
      const world = new World(assignmentOf(parts(10, 2)), refuse(failure, 1));
      expect(await world.run('provision-fleet')).toEqual(settled);
      expect(world.messages('prepare-networks')).toHaveLength(2);
      expect(world.messages('launch')).toHaveLength(10);
      expect(world.payloadsOf('settle')).toEqual([EXECUTION]);
    },
  );

  it('provision-fleet sends no launch to a location whose network preparation was abandoned, and continues at the other locations', async () => {
    const world = new World(assignmentOf(parts(10, 2)), refuse(LAUNCH_ABANDONED, 1));
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(world.messages('prepare-networks')).toHaveLength(2);
    expect(new Set(world.messages('launch').map(({ location }) => location))).toEqual(
      new Set([locationNames('ncp', 2)[1]]),
    );
    expect(world.payloadsOf('settle')).toEqual([EXECUTION]);
  });

  it('provision-fleet repeats the network preparation of a location after a transient error', async () => {
    const world = new World(assignmentOf(parts(10, 2)), refuse('Unavailable', 3));
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(world.messages('prepare-networks')).toHaveLength(5);
    expect(world.messages('launch')).toHaveLength(10);
  });
});
