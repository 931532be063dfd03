import { describe, expect, it } from 'vitest';
import { inFewestMessages } from '../../functions/features/fleets/assignment.ts';
import type { Assignment } from '../../functions/platform/workflow/messages.ts';
import {
  assignmentOf,
  EXECUTION,
  locationNames,
  type Part,
  sitesOf,
  withGiven,
} from './assignment-builder.ts';
import { type Answerer, allGood, peak, type Sent, World } from './world.ts';

const parts = (size: number, locations = 1): Part[] => [
  { cloud: 'ncp', connection: 'production-ncp', locations: locationNames('ncp', locations), size },
];

/** Returns an assignment of one site with messages for at most `chunk` positions. */
function inChunks(size: number, chunk: number, concurrentChunks: number): Assignment {
  const assignment = assignmentOf(parts(size, 2));
  const clouds = assignment.clouds.map((cloud) => ({
    ...cloud,
    sites: cloud.sites.slice(0, 1).map((site) => ({ ...site, count: size, chunk, concurrentChunks })),
  }));
  return { ...assignment, clouds };
}

const settled = { status: 'SUCCEEDED', output: { ...EXECUTION, status: 'Running' } };
const kindsOf = (world: World) => world.sent.map(({ message }) => message.kind);
const launchesOf = (world: World) => world.sent.filter(({ message }) => message.kind === 'launch');

describe('the launches of a site', () => {
  it('the messages of a site have each of its positions once', async () => {
    const world = new World(inChunks(95, 30, 2));
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(world.messages('launch').map(({ index, last }) => [index, last])).toEqual([
      [0, 29],
      [30, 59],
      [60, 89],
      [90, 94],
    ]);
  });

  it('workers take on as many messages of a site at the same time as the assignment allows', async () => {
    const world = new World(inChunks(300, 30, 3));
    await world.run('provision-fleet');
    const launches = launchesOf(world);
    expect(launches).toHaveLength(10);
    expect(peak(launches)).toBe(3);
  });

  it('each launch message has the round that the assignment states for the site', async () => {
    const assignment = inChunks(95, 30, 2);
    for (const { sites } of assignment.clouds) for (const site of sites) site.round = 4;
    const world = new World(assignment);
    await world.run('provision-fleet');
    expect(world.messages('launch').map(({ round }) => round)).toEqual([4, 4, 4, 4]);
  });

  it('provision-fleet works at as many locations of a connection at the same time as the assignment allows', async () => {
    const world = new World(assignmentOf(parts(36, 12)));
    await world.run('provision-fleet');
    const busy = new Map<string, Sent>();
    for (const sent of launchesOf(world)) {
      const location = 'location' in sent.message ? sent.message.location : '';
      const known = busy.get(location);
      if (known) known.answeredAt = sent.answeredAt;
      else busy.set(location, { ...sent });
    }
    expect(busy.size).toBe(12);
    expect(peak([...busy.values()])).toBe(5);
  });
});

describe('the state Await', () => {
  it('each cloud waits for its launches after they were sent, and Settle follows the last one', async () => {
    const both: Part[] = [
      { cloud: 'aws', connection: 'aws-one', locations: locationNames('aws', 2), size: 2 },
      { cloud: 'gcp', connection: 'gcp-one', locations: locationNames('gcp', 2), size: 2 },
    ];
    const world = new World(assignmentOf(both));
    await world.run('provision-fleet');
    expect(world.sent.map(({ at, message }) => [at, message.kind])).toEqual([
      [0, 'launch'],
      [0, 'launch'],
      [0, 'launch'],
      [0, 'launch'],
      [1_000, 'await-launches'],
      [1_000, 'await-launches'],
    ]);
    expect(world.messages('await-launches').map(({ connectionKey }) => connectionKey)).toEqual([
      expect.stringContaining('aws-one'),
      expect.stringContaining('gcp-one'),
    ]);
    expect(world.payloadsOf('settle')).toEqual([EXECUTION]);
  });

  it('if one message can have all launches of a connection, it also waits for them, and there are five transitions', async () => {
    const world = new World(assignmentOf(parts(30)));
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(world.messages('launch')).toMatchObject([
      { index: 0, last: 29, round: 1, awaits: EXECUTION.execution },
    ]);
    expect(kindsOf(world)).toEqual(['launch']);
    const [execution] = world.executionsOf('provision-fleet');
    expect(execution?.history.transitions).toBe(5);
  });

  it('if one connection needs several messages, those of all connections are sent before any step waits', async () => {
    const aws: Part = { cloud: 'aws', connection: 'aws-one', locations: locationNames('aws', 1), size: 3 };
    const world = new World(assignmentOf([aws, ...parts(20, 2)]));
    expect(await world.run('provision-fleet')).toEqual(settled);
    const launches = world.messages('launch');
    expect(launches.map((one) => ('awaits' in one ? one.awaits : undefined))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const lastSentAt = Math.max(...launchesOf(world).map(({ at }) => at));
    const waits = world.sent.filter(({ message }) => message.kind === 'await-launches');
    expect(waits).toHaveLength(2);
    expect(Math.min(...waits.map(({ at }) => at))).toBeGreaterThan(lastSentAt);
  });

  it('what the fleet names by the clouds’ own ids is verified before the messages that have all launches', async () => {
    const all = sitesOf([...parts(3), ...parts(3).map((part) => ({ ...part, connection: 'other' }))]);
    const short = { ...all, clouds: inFewestMessages(all.clouds) };
    const world = new World(withGiven(short, all));
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(kindsOf(world)).toEqual(['verify-site', 'verify-site', 'launch', 'launch']);
  });

  it('a step that waits lives as long as workers send heartbeats', async () => {
    const answer = { afterMs: 5 * 86_400_000, beatEveryMs: 300_000, success: {} };
    const world = new World(assignmentOf(parts(3)), () => answer);
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(kindsOf(world)).toEqual(['launch']);
  });

  it('a step that gets no heartbeat for half an hour sends its message again', async () => {
    const answers = [undefined, { afterMs: 1_000, success: {} }];
    const world = new World(assignmentOf(parts(3)), () => answers.shift());
    expect(await world.run('provision-fleet')).toEqual(settled);
    const [first, second] = world.sent;
    expect(second?.message).toMatchObject({ kind: 'launch', index: 0, last: 2 });
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_800_000);
  });
});

describe('what the fleet names by the clouds’ own ids', () => {
  const answered = (answer: ReturnType<Answerer>): Answerer => {
    return (message) =>
      message.kind === 'verify-site' && message.location.endsWith('-1') ? answer : allGood(message);
  };

  it('is verified at all sites before launches are sent to any', async () => {
    const slow = answered({ afterMs: 40_000, success: { outcome: 'Verified' } });
    const world = new World(withGiven(assignmentOf(parts(10, 2))), slow);
    expect(await world.run('provision-fleet')).toEqual(settled);
    const verified = world.sent.filter(({ message }) => message.kind === 'verify-site');
    expect(verified.map(({ at }) => at)).toEqual([0, 0]);
    expect(launchesOf(world).map(({ at }) => at)).toEqual([40_000, 40_000]);
  });

  it.each([
    ['fails again and again', { afterMs: 50, failure: 'Unavailable' }],
    ['is not answered', undefined],
  ])('holds the fleet for a limited time if the verification of a site %s', async (_, answer) => {
    const world = new World(withGiven(assignmentOf(parts(10, 2))), answered(answer));
    expect(await world.run('provision-fleet')).toEqual(settled);
    const launches = launchesOf(world);
    expect(launches).toHaveLength(2);
    expect(Math.max(...launches.map(({ at }) => at))).toBeLessThanOrEqual(300_000);
  });
});

describe('a launch message without an answer', () => {
  const lost =
    (times: number): Answerer =>
    (message) => {
      if (message.kind !== 'launch' || message.index !== 0) return allGood(message);
      times -= 1;
      return times < 0 ? allGood(message) : undefined;
    };

  it('a message that no worker answers within 15 minutes is sent again', async () => {
    const world = new World(inChunks(60, 30, 2), lost(1));
    expect(await world.run('provision-fleet')).toEqual(settled);
    const [first, , again] = launchesOf(world);
    expect(again?.message).toMatchObject({ index: 0, last: 29 });
    expect((again?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(900_000);
  });

  it('a message that no worker ever answers is left to the state Await', async () => {
    const world = new World(inChunks(60, 30, 2), lost(99));
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(launchesOf(world)).toHaveLength(3);
    expect(kindsOf(world).at(-1)).toBe('await-launches');
    expect(world.payloadsOf('settle')).toEqual([EXECUTION]);
  });
});
