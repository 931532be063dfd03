import { describe, expect, it } from 'vitest';
import { assignmentOf, EXECUTION, everywhere, FLEET_ID } from './assignment-builder.ts';
import { type Answerer, allGood, peak, World } from './world.ts';

const assignment = assignmentOf(everywhere(106));
const removal = { ...EXECUTION, scope: 'fleet' };
const gone = { status: 'SUCCEEDED', output: { fleetId: FLEET_ID, status: 'Terminated', done: true } };

function rounds(world: World) {
  const of = (round: 'access' | 'network') =>
    world.sent.filter(({ message }) => message.kind === 'remove-networks' && message.round === round);
  return { access: of('access'), network: of('network') };
}

/** Answers as `allGood` does, but fails the first `times` messages of one kind for one location. */
function failing(kind: string, location: string, failure: string, times: number): Answerer {
  return (message) => {
    const here = message.kind === kind && 'location' in message && message.location === location;
    if (!here || times === 0) return allGood(message);
    times -= 1;
    return { afterMs: 50, failure };
  };
}

describe('terminate-fleet', () => {
  it('terminate-fleet removes instances, then security groups at ten sites at a time, and five seconds later networks at ten sites at a time', async () => {
    const world = new World(assignment);
    expect(await world.run('terminate-fleet')).toEqual(gone);
    const terminated = world.sent.filter(({ message }) => message.kind === 'terminate');
    const { access, network } = rounds(world);
    const last = (sent: typeof access) => Math.max(...sent.map(({ answeredAt = Number.NaN }) => answeredAt));
    const first = (sent: typeof access) => Math.min(...sent.map(({ at }) => at));
    expect([terminated.length, access.length, network.length]).toEqual([53, 53, 53]);
    expect(first(access)).toBeGreaterThanOrEqual(last(terminated));
    expect(first(network)).toBe(last(access) + 5_000);
    expect(peak(access)).toBe(10);
    expect(peak(network)).toBe(10);
    expect(world.payloadsOf('begin-termination')).toEqual([removal]);
    expect(world.payloadsOf('finish-termination')).toEqual([removal]);
  });

  it('terminate-fleet works at no more locations of a connection at a time than the assignment allows', async () => {
    const twelve = assignmentOf([
      {
        cloud: 'ncp',
        connection: 'production-ncp',
        locations: Array.from({ length: 12 }, (_, at) => `l${at}`),
        size: 12,
      },
    ]);
    const world = new World(twelve);
    await world.run('terminate-fleet');
    expect(peak(world.sent.filter(({ message }) => message.kind === 'terminate'))).toBe(5);
  });

  it('terminate-fleet sends no message for a fleet without sites', async () => {
    const world = new World({ ...EXECUTION, clouds: [] });
    expect(await world.run('terminate-fleet')).toEqual(gone);
    expect(world.sent).toEqual([]);
  });

  it('terminate-fleet repeats a termination that fails twelve times with Unavailable', async () => {
    const [location = ''] = assignment.clouds.flatMap(({ sites }) => sites.map((site) => site.location));
    const world = new World(assignment, failing('terminate', location, 'Unavailable', 12));
    expect(await world.run('terminate-fleet')).toEqual(gone);
    expect(world.messages('terminate').filter((message) => message.location === location)).toHaveLength(13);
  });

  it('terminate-fleet sends a termination message again if no worker answers the first one', async () => {
    let silent = 1;
    const world = new World(assignment, (message) => {
      if (message.kind !== 'terminate' || silent === 0) return allGood(message);
      silent -= 1;
      return undefined;
    });
    expect(await world.run('terminate-fleet')).toEqual(gone);
    expect(world.messages('terminate')).toHaveLength(54);
  });

  it.each(['Unauthorized', 'Forbidden'])(
    'terminate-fleet does not repeat a termination that fails as %s, continues at the other sites, and fails after its last step',
    async (code) => {
      const [location = ''] = assignment.clouds.flatMap(({ sites }) => sites.map((site) => site.location));
      const world = new World(assignment, failing('terminate', location, code, 1), {
        'finish-termination': () => ({ status: 'Terminating', done: false }),
      });
      expect(await world.run('terminate-fleet')).toEqual({
        status: 'FAILED',
        error: 'TerminationIncomplete',
        cause: `fleet ${FLEET_ID} is Terminating`,
      });
      expect(world.messages('terminate')).toHaveLength(53);
      expect(rounds(world).network).toHaveLength(53);
    },
  );

  it('terminate-fleet repeats a removal of networks that fails as Conflict', async () => {
    const [location = ''] = assignment.clouds.flatMap(({ sites }) => sites.map((site) => site.location));
    const world = new World(assignment, failing('remove-networks', location, 'Conflict', 3));
    expect(await world.run('terminate-fleet')).toEqual(gone);
    expect(world.messages('remove-networks')).toHaveLength(2 * 53 + 3);
  });

  it('terminate-fleet runs its last step even if its first step fails', async () => {
    const world = new World(assignment, allGood, {
      'begin-termination': () => {
        throw new TypeError('broken');
      },
      'finish-termination': () => ({ status: 'Terminating', done: false }),
    });
    expect(await world.run('terminate-fleet')).toMatchObject({ error: 'TerminationIncomplete' });
    expect(world.payloadsOf('finish-termination')).toHaveLength(1);
  });
});
