import { describe, expect, it } from 'vitest';
import { type Assignment, provisionLocationInputSchema } from '../../functions/platform/workflow/messages.ts';
import { assignmentOf, everywhere, locationNames, type Part } from './assignment-builder.ts';
import { type Answerer, allGood, peak, World } from './world.ts';

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

describe.each([
  { name: '10,000 instances in one location', parts: oneLocation, sites: 1, children: 10 },
  { name: '10,000 instances over 53 locations', parts: everywhere(10_000), sites: 53, children: 53 },
])('a fleet of $name', ({ name, parts, sites, children }) => {
  it(`each execution for a fleet of ${name} has payloads below 64 KiB and fewer than 12,000 events, and each instance is launched exactly once`, async () => {
    const { world, outcome, figures } = await provisioned(assignmentOf(parts));
    expect(outcome).toMatchObject({ status: 'SUCCEEDED' });
    expect(figures.largestPayload).toBeLessThan(KIB_64);
    expect(figures.mostEvents).toBeLessThan(12_000);
    expect(figures.executions).toBe(1 + children);
    const launched = world.messages('launch').map(({ index }) => index);
    expect(launched.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10_000 }, (_, at) => at));
    expect(new Set(world.messages('launch').map(({ taskToken }) => taskToken)).size).toBe(10_000);
    expect(world.messages('prepare-networks')).toHaveLength(sites);
    // There is one transition for each instance, two for each child execution, two for each site
    // (PrepareNetworks and ByThousand), one for each cloud, and eight for the other states.
    const clouds = parts.length;
    expect(figures.transitions).toBe(10_000 + children + children + 2 * sites + clouds + 8);
  }, 30_000);
});

const hundredLocations: Part[] = [
  { cloud: 'aws', connection: 'production-aws', locations: locationNames('aws', 100), size: 10_000 },
];
const withSlots = (concurrentInstancesPerLocation: number) => ({ concurrentInstancesPerLocation });
const slowly: Answerer = (message) =>
  message.kind === 'launch' ? { afterMs: 40_000, success: { outcome: 'Running' } } : allGood(message);

describe.each([
  {
    name: '5,000 instances in one location',
    assignment: assignmentOf(oneLocation.map((part) => ({ ...part, size: 5_000 }))),
    expected: { size: 5_000, children: 5, concurrent: 80 },
  },
  {
    name: '5,000 instances in one location with 1,000 slots',
    assignment: assignmentOf(
      oneLocation.map((part) => ({ ...part, size: 5_000 })),
      1_200,
      withSlots(1_000),
    ),
    expected: { size: 5_000, children: 50, concurrent: 1_600 },
  },
  {
    name: '100 locations with 100 instances each',
    assignment: assignmentOf(hundredLocations),
    expected: { size: 10_000, children: 100, concurrent: 30 * 40 },
  },
  {
    name: '100 locations with 100 instances and 1,000 slots each',
    assignment: assignmentOf(hundredLocations, 1_200, { ...withSlots(1_000), concurrentLocations: 100 }),
    expected: { size: 10_000, children: 300, concurrent: 40 * 100 },
  },
])('a fleet of $name', ({ name, assignment, expected }) => {
  it(`each execution for a fleet of ${name} uses at most half of the history limit, a quarter of the payload limit and 40 concurrent iterations of a Map`, async () => {
    const { world, outcome, figures } = await provisioned(assignment, slowly);
    expect(outcome).toMatchObject({ status: 'SUCCEEDED' });
    expect(figures.mostEvents).toBeLessThan(12_500);
    expect(figures.largestPayload).toBeLessThan(KIB_64);
    expect(figures.executions).toBe(1 + expected.children);
    const launches = world.sent.filter(({ message }) => message.kind === 'launch');
    expect(new Set(world.messages('launch').map(({ index }) => index)).size).toBe(expected.size);
    expect(launches).toHaveLength(expected.size);
    expect(peak(launches)).toBe(expected.concurrent);
    for (const { input } of world.executionsOf('provision-location')) {
      expect(provisionLocationInputSchema.parse(input).concurrentInstances).toBeLessThanOrEqual(40);
    }
  }, 60_000);
});

describe('the history of an execution', () => {
  it('the history of a child execution has eight events for each instance', async () => {
    const parts = oneLocation.map((part) => ({ ...part, size: 1_000 }));
    const { world } = await provisioned(assignmentOf(parts));
    const [child] = world.executionsOf('provision-location');
    expect(child?.history.events).toBe(8 * 1_000 + 6);
    expect(child?.history.transitions).toBe(1_000 + 1);
  });

  it('the history of a child execution stays within the limit of AWS even if no launch is answered', async () => {
    const parts = oneLocation.map((part) => ({ ...part, size: 1_000 }));
    const { world, outcome } = await provisioned(assignmentOf(parts), (message) =>
      message.kind === 'launch' || message.kind === 'give-up' ? undefined : allGood(message),
    );
    expect(outcome).toMatchObject({ status: 'SUCCEEDED' });
    expect(world.executionsOf('provision-location')[0]?.history.events).toBe(20 * 1_000 + 6);
    expect(world.messages('give-up')).toHaveLength(2_000);
  });
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
    expect(world.messages('prepare-networks')).toHaveLength(200);
    await world.run('terminate-fleet');
    expect(figures(world).largestPayload).toBeLessThan(KIB_64);
    expect(figures(world).mostEvents).toBeLessThan(12_000);
  });
});
