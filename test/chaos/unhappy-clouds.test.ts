import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../functions/model/fleet.ts';
import { instanceStatusSchema, isClosed } from '../../functions/model/status.ts';
import { CALM } from './ground/disturbance.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { restore, revoke, setLocation } from './scenario/incidents.ts';
import { type RunResult, runScenario, type Story } from './scenario/run.ts';
import type { Stage } from './scenario/stage.ts';

const SIZE = 8;
/** Allows a long time: virtual hours take seconds of real time, and more on a busy machine. */
const PATIENT = { timeout: 60_000 };
const BOTH = ['sim-aws', 'sim-gcp'];

/** Plays the story. Expects no violation, and these numbers of fleets in each status. */
async function expectAfter(
  story: Story,
  outcomes: Record<string, number>,
  scenario = calmScenario(),
): Promise<RunResult> {
  const result = await runScenario(scenario, false, story);
  expect(result.violations).toEqual([]);
  expect(result.outcomes).toEqual(outcomes);
  return result;
}

const isUp = ({ status }: Fleet) => status === 'Running';
const isGone = ({ status }: Fleet) => status === 'Terminated' || status === 'RolledBack';
const isSettled = ({ status }: Fleet) => !['Preparing', 'Creating'].includes(status);
const isCreating = ({ counts }: Fleet) => (counts.Creating ?? 0) > 2;
const open = ({ counts }: Fleet) =>
  instanceStatusSchema.options.reduce(
    (sum, status) => sum + (isClosed(status) ? 0 : (counts[status] ?? 0)),
    0,
  );

describe('a credential revoked during launches', PATIENT, () => {
  /**
   * Expects that the API lists what is left at the cloud while a revoked credential keeps workers from
   * removing it.
   */
  async function expectListed(stage: Stage, fleetId: string): Promise<void> {
    expect((await stage.connection('sim-gcp')).status).toBe('Failed');
    const atGcp = stage.standing().filter(({ cloud }) => cloud === 'gcp');
    expect(atGcp.length).toBeGreaterThan(0);
    expect(open(await stage.read(fleetId))).toBeGreaterThanOrEqual(atGcp.length);
    const left = await stage.resources(fleetId);
    expect(left.map(({ connection }) => connection)).toContain('sim-gcp');
  }

  it('the API lists what a rollback has left while a credential is revoked, and the rollback ends when the credential works again', async () => {
    await expectAfter(
      async (stage) => {
        // There are more instances than slots, so some have no create call yet.
        const { id } = await stage.create(fleetAt(BOTH, 2 * SIZE, { failurePolicy: 'rollback' }));
        await stage.until(id, ({ byLocation }) =>
          byLocation.some(({ cloud, counts }) => cloud === 'gcp' && (counts.Creating ?? 0) > 1),
        );
        while (!stage.standing().some(({ cloud }) => cloud === 'gcp')) await stage.lab.ground.sleep(50);
        revoke(stage.lab, 'sim-gcp');
        await stage.until(id, ({ status }) => status === 'RollingBack');
        await stage.pass(30);
        expect((await stage.read(id)).status).toBe('RollingBack');
        await expectListed(stage, id);
        restore(stage.lab, 'sim-gcp');
        const { failures } = await stage.until(id, isGone);
        expect(failures.map(({ code }) => code)).toContain('Unauthorized');
        expect(stage.standing()).toEqual([]);
        expect(await stage.resources(id)).toEqual([]);
      },
      { RolledBack: 1 },
    );
  });

  it('a fleet settles after its credential was revoked, and its deletion ends when the credential works again', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(BOTH, SIZE));
        await stage.until(id, ({ byLocation }) =>
          byLocation.some(({ cloud, counts }) => cloud === 'gcp' && (counts.Creating ?? 0) > 1),
        );
        revoke(stage.lab, 'sim-gcp');
        const settled = await stage.until(id, isSettled);
        expect(settled.status).toBe('PartiallyRunning');
        expect(settled.counts.Running).toBeGreaterThanOrEqual(SIZE);
        await stage.remove(id);
        await stage.pass(30);
        expect((await stage.read(id)).status).toBe('Terminating');
        await expectListed(stage, id);
        restore(stage.lab, 'sim-gcp');
        await stage.until(id, isGone);
        expect(stage.standing()).toEqual([]);
      },
      { Terminated: 1 },
    );
  });
});

describe("a cloud's location that is down for an hour", PATIENT, () => {
  it('a fleet settles while one of its locations is down, and a deletion waits for the location', async () => {
    await expectAfter(
      async (stage) => {
        const changes = { instanceTimeoutSeconds: 600 };
        const kept = await stage.create(fleetAt(['sim-aws'], SIZE, { ...changes, name: 'kept' }));
        const gone = await stage.create(fleetAt(['sim-aws'], SIZE, { ...changes, name: 'gone' }));
        for (const { id } of [kept, gone]) await stage.until(id, isCreating);
        setLocation(stage.lab, 'aws', 'east-1', false);
        await stage.remove(gone.id);
        await stage.until(kept.id, isSettled);
        await stage.pass(40);
        expect(stage.standing().some(({ location }) => location === 'east-1')).toBe(true);
        expect((await stage.read(gone.id)).status).toBe('Terminating');
        await stage.pass(20);
        setLocation(stage.lab, 'aws', 'east-1', true);
        await stage.until(gone.id, isGone);
        const { status } = await stage.read(kept.id);
        if (status !== 'Running') await stage.act(kept.id, 'retry');
        await stage.until(kept.id, isUp);
        expect(stage.standing()).toHaveLength(SIZE);
      },
      { Running: 1, Terminated: 1 },
    );
  });

  it('a rollback waits for a location that is down, and leaves nothing there', async () => {
    await expectAfter(
      async (stage) => {
        const only = { locations: ['west-1'], instanceTimeoutSeconds: 600 };
        const { id } = await stage.create(fleetAt(['sim-gcp'], SIZE, { ...only, failurePolicy: 'rollback' }));
        await stage.until(id, isCreating);
        setLocation(stage.lab, 'gcp', 'west-1', false);
        await stage.until(id, ({ status }) => status === 'RollingBack');
        await stage.pass(60);
        expect((await stage.read(id)).status).toBe('RollingBack');
        expect(stage.standing().length).toBeGreaterThan(0);
        setLocation(stage.lab, 'gcp', 'west-1', true);
        await stage.until(id, isGone);
        expect(stage.standing()).toEqual([]);
      },
      { RolledBack: 1 },
    );
  });
});

describe('a create that goes wrong after it made a machine', PATIENT, () => {
  it.each([true, false])(
    'a machine whose create returned an error is bound to its record, and no second machine is made (cloud honours tokens: %s)',
    async (honours) => {
      const { counts } = await expectAfter(
        async (stage) => {
          stage.lab.ground.disturbance = { ...CALM, deniedCreate: 0.5 };
          const { id } = await stage.create(fleetAt(BOTH, SIZE));
          await stage.until(id, isUp);
          expect(stage.lab.clouds.machines()).toHaveLength(2 * SIZE);
        },
        { Running: 1 },
        calmScenario({}, { honoursTokens: honours }),
      );
      expect(counts.deniedCreates).toBeGreaterThan(3);
    },
  );

  it('a machine that breaks before it runs is removed, and its instance gets another machine', async () => {
    await expectAfter(
      async (stage) => {
        const mended = stage.addFault({ kind: 'bootFailure', count: 3 });
        const { id } = await stage.create(fleetAt(BOTH, SIZE));
        await stage.until(id, isSettled);
        mended();
        expect(stage.lab.clouds.machines().length).toBe(2 * SIZE + 3);
        expect(stage.standing()).toHaveLength(2 * SIZE);
      },
      { Running: 1 },
    );
  });
});

describe('a terminate call that succeeds and leaves the machine', PATIENT, () => {
  it('workers repeat a terminate call until the cloud no longer lists the machine', async () => {
    const { counts } = await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(BOTH, SIZE));
        await stage.until(id, isUp);
        stage.lab.ground.disturbance = { ...CALM, ignoredRemoval: 1 };
        await stage.remove(id);
        await stage.pass(20);
        const { status, counts: told } = await stage.read(id);
        expect([status, told.Terminating]).toEqual(['Terminating', 2 * SIZE]);
        expect(stage.standing()).toHaveLength(2 * SIZE);
        stage.lab.ground.disturbance = CALM;
        await stage.until(id, isGone);
        expect(stage.standing()).toEqual([]);
      },
      { Terminated: 1 },
    );
    expect(counts.ignoredRemovals).toBeGreaterThan(2 * SIZE);
  });
});

describe('a cloud without tags', PATIENT, () => {
  it('sweeps at a cloud without tags remove the second machine of each token, and keep planted machines', async () => {
    const planted = (['lost', 'another', 'unmarked'] as const).map((whose) => ({
      account: 'sim-gcp',
      cloud: 'gcp' as const,
      whose,
      atMs: 0,
    }));
    const { counts } = await expectAfter(
      async (stage) => {
        for (const kind of ['loseReplyAfterEffect', 'duplicateEffect'] as const)
          stage.addFault({ kind, call: 'create', probability: 0.4, count: 3 });
        const { id } = await stage.create(fleetAt(BOTH, SIZE));
        await stage.until(id, isUp);
        // Sweeps remove the second machine of a token immediately, without a grace period.
        await stage.pass(25);
        const ours = stage.standing().filter(({ ours: id }) => id !== undefined);
        expect(ours).toHaveLength(2 * SIZE);
      },
      { Running: 1 },
      calmScenario({ planted }, { honoursTokens: false, tags: false }),
    );
    expect(counts.cloudFaults).toBe(6);
  });
});
