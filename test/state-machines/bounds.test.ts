import { describe, expect, it } from 'vitest';
import { launchesIn } from '../../functions/features/launch-queue/share-message.ts';
import type { Assignment } from '../../functions/platform/workflow/messages.ts';
import { assignmentOf, everywhere, locationNames, type Part } from './assignment-builder.ts';
import { allGood, peak, World } from './world.ts';

const KIB_64 = 64 * 1024;

function figures(world: World) {
  const histories = world.engine.executions.map(({ history }) => history);
  return {
    executions: histories.length,
    mostEvents: Math.max(...histories.map(({ events }) => events)),
    transitions: histories.reduce((sum, { transitions }) => sum + transitions, 0),
    largestPayload: Math.max(...histories.map(({ largestPayload }) => largestPayload.bytes)),
  };
}

async function provisioned(assignment: Assignment, answer = allGood) {
  const world = new World(assignment, answer);
  const outcome = await world.run('provision-fleet');
  return { world, outcome, figures: figures(world) };
}

const oneLocation: Part[] = [
  { cloud: 'aws', connection: 'production-aws', locations: locationNames('aws', 1), size: 10_000 },
];
const hundredLocations: Part[] = [
  { cloud: 'aws', connection: 'production-aws', locations: locationNames('aws', 100), size: 10_000 },
];
const withSlots = (concurrentInstancesPerLocation: number) => ({ concurrentInstancesPerLocation });
const everyPosition = Array.from({ length: 10_000 }, (_, at) => at);

/** Returns the number of launch messages of one site at the same time, for the site with the most. */
function mostAtOneSite({ sent }: World): number {
  const launches = sent.filter(({ message }) => message.kind === 'launch');
  const bySite = Map.groupBy(launches, ({ message }) => ('location' in message ? message.location : ''));
  return Math.max(...[...bySite.values()].map((ofSite) => peak(ofSite)));
}

describe.each([
  {
    name: '10,000 instances in one location',
    assignment: assignmentOf(oneLocation),
    messages: 250,
    atOnce: 1,
  },
  {
    name: '10,000 instances in one location with 1,000 slots',
    assignment: assignmentOf(oneLocation, withSlots(1_000)),
    messages: 100,
    atOnce: 20,
  },
  {
    name: '1,110 instances over 53 locations',
    assignment: assignmentOf(everywhere(1_110)),
    messages: 55,
    atOnce: 1,
  },
  {
    name: '10,000 instances over 53 locations',
    assignment: assignmentOf(everywhere(10_000)),
    messages: 281,
    atOnce: 1,
  },
  {
    name: '10,000 instances over 100 locations with 1,000 slots each',
    assignment: assignmentOf(hundredLocations, { ...withSlots(1_000), concurrentLocations: 100 }),
    messages: 100,
    atOnce: 1,
  },
])('a fleet of $name', ({ name, assignment, messages, atOnce }) => {
  it(`the execution for ${name} launches each instance once, with less than half a transition for each, and uses a small part of what AWS allows`, async () => {
    const { world, outcome, figures } = await provisioned(assignment);
    expect(outcome).toMatchObject({ status: 'SUCCEEDED' });
    const launched = world
      .messages('launch')
      .flatMap(launchesIn)
      .map(({ index }) => index);
    expect(launched.toSorted((a, b) => a - b)).toEqual(everyPosition.slice(0, launched.length));
    expect(world.messages('launch')).toHaveLength(messages);
    expect(mostAtOneSite(world)).toBe(atOnce);
    expect(figures.executions).toBe(1);
    expect(figures.mostEvents).toBeLessThan(5_000);
    expect(figures.largestPayload).toBeLessThan(KIB_64);
    expect(figures.transitions).toBeLessThan(launched.length / 2);
    // One transition for each message, one for each site, two for each cloud, and six for the other states.
    const { clouds } = assignment;
    const sites = clouds.reduce((sum, cloud) => sum + cloud.sites.length, 0);
    expect(figures.transitions).toBe(messages + sites + 2 * clouds.length + 6);
  }, 30_000);
});

describe('the history of an execution', () => {
  it('the history has eight events for each launch message', async () => {
    const [few, many] = await Promise.all(
      [400, 4_000].map(async (size) => {
        const { world } = await provisioned(assignmentOf(oneLocation.map((part) => ({ ...part, size }))));
        return { messages: world.messages('launch').length, events: figures(world).mostEvents };
      }),
    );
    expect((many?.events ?? 0) - (few?.events ?? 0)).toBe(8 * ((many?.messages ?? 0) - (few?.messages ?? 0)));
  });

  it('the history stays within the limit of AWS even if no launch message of 10,000 instances is ever answered', async () => {
    const { world, outcome } = await provisioned(assignmentOf(oneLocation), (message) =>
      message.kind === 'launch' ? undefined : allGood(message),
    );
    expect(outcome).toMatchObject({ status: 'SUCCEEDED' });
    expect(world.messages('launch')).toHaveLength(2 * 250);
    expect(figures(world).mostEvents).toBeLessThan(12_500);
  }, 30_000);
});

describe('the largest assignment that a fleet may have', () => {
  it('the payloads of provisioning and of termination stay within 64 KiB for the largest assignment', async () => {
    const parts = Array.from(
      { length: 10 },
      (_, at): Part => ({
        cloud: 'aws',
        connection: `production-account-${at}`,
        locations: locationNames('aws', 20),
        size: 20,
      }),
    );
    const { world } = await provisioned(assignmentOf(parts));
    expect(world.messages('launch')).toHaveLength(200);
    await world.run('terminate-fleet');
    expect(figures(world).largestPayload).toBeLessThan(KIB_64);
    expect(figures(world).mostEvents).toBeLessThan(12_000);
  });
});
