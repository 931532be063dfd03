import { describe, expect, it } from 'vitest';
import { listHolds } from '../../functions/features/sweeps/continue-sweeps.ts';
import type { SweepHold } from '../../functions/model/orphan.ts';
import { readConnection } from '../../functions/platform/store/connections.ts';
import { plantInstance } from '../../local/sim/engine/plant.ts';
import { Process } from './ground/process.ts';
import { ENDPOINT } from './models/clouds.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { verify } from './scenario/incidents.ts';
import { AWS, EAST, isGone, isUp, PATIENT } from './scenario/limited.ts';
import { runScenario, type Story } from './scenario/run.ts';
import { Stage } from './scenario/stage.ts';
import { Lab, NAMESPACE } from './world/lab.ts';

const SIZE = 8;
const SCENARIO = calmScenario({ sweepIntervalMs: 60_000, graceSeconds: 60 });

/**
 * Plays a story and expects no violation of kind `bug`. The story's end breaks other invariants on purpose:
 * machines have no record, or two deployments share the clouds.
 */
async function tell(story: Story): Promise<void> {
  const { violations } = await runScenario(SCENARIO, false, story);
  expect(violations.filter(({ kind }) => kind === 'bug')).toEqual([]);
}

const storeOf = (lab: Lab) => lab.tables.storeOf(new Process('reader', lab.ground, 0));
const holdsOf = async (lab: Lab): Promise<SweepHold[]> =>
  (await listHolds(storeOf(lab), NAMESPACE, { limit: 100, connection: 'sim-aws' })).items;
const continueSweeps = async ({ lab }: Stage) =>
  await lab.requestResources((operations) =>
    operations.continueSweeps({
      params: { namespace: NAMESPACE },
      query: {},
      body: { connection: 'sim-aws' },
      idempotencyKey: undefined,
    }),
  );
/** Returns the number of machines whose removal was requested. */
const removed = ({ lab }: Stage) =>
  lab.clouds.machines().filter(({ removeAskedAtMs }) => removeAskedAtMs !== undefined).length;
const marksAt = ({ lab }: Stage) =>
  [...lab.clouds.engine.world.state.notes.values()].flatMap(({ account, name }) =>
    account === 'sim-aws' ? [name] : [],
  );

describe('tables restored to their state of an hour ago', PATIENT, () => {
  it('sweeps remove nothing after a restore of the tables until an operator continues the sweeps', async () => {
    await tell(async (stage) => {
      const { tables } = stage.lab;
      await stage.pass(2);
      const setBack = tables.backup();
      await stage.pass(30);
      const fleet = await stage.create(fleetAt(AWS, SIZE, EAST));
      await stage.until(fleet.id, isUp);
      await stage.pass(30);
      setBack();
      await stage.pass(120);
      expect(removed(stage)).toBe(0);
      expect(await holdsOf(stage.lab)).toMatchObject([{ connection: 'sim-aws', because: 'restored' }]);
      expect(stage.lab.events.filter(({ type }) => type === 'Sweep Held').length).toBeGreaterThan(0);
      await continueSweeps(stage);
      await stage.pass(5);
      expect(await holdsOf(stage.lab)).not.toMatchObject([{ because: 'restored' }]);
      expect(removed(stage)).toBeLessThanOrEqual(5);
    });
  });

  it('a second restore is noticed after an operator continued the sweeps', async () => {
    await tell(async (stage) => {
      const { tables } = stage.lab;
      await stage.pass(2);
      const setBack = tables.backup();
      await stage.pass(5);
      setBack();
      await stage.pass(5);
      await continueSweeps(stage);
      await stage.pass(5);
      expect(await holdsOf(stage.lab)).toEqual([]);
      setBack();
      await stage.pass(5);
      expect(await holdsOf(stage.lab)).toMatchObject([{ because: 'restored' }]);
    });
  });
});

describe('restored records of instances in transition', PATIENT, () => {
  it('a restored record in Creating is polled even if its site was at rest when the tables were restored', async () => {
    await tell(async (stage) => {
      const fleet = await stage.create(fleetAt(AWS, SIZE, EAST));
      await stage.until(fleet.id, ({ counts }) => (counts.Creating ?? 0) > 1);
      await stage.act(fleet.id, 'hold');
      const setBack = stage.lab.tables.backup();
      expect((await stage.read(fleet.id)).counts.Creating).toBeGreaterThan(0);
      await stage.until(fleet.id, ({ counts }) => (counts.Creating ?? 0) === 0);
      await stage.remove(fleet.id);
      await stage.until(fleet.id, isGone);
      await stage.pass(10);
      setBack();
      await stage.pass(10);
      const { status, counts } = await stage.read(fleet.id);
      expect(status).toBe('Held');
      expect(counts.Creating ?? 0).toBe(0);
    });
  });

  it("a restored record is not bound to a copy that was made after the record's attempt ended", async () => {
    await tell(async (stage) => {
      const { lab } = stage;
      const stop = stage.addFault({ kind: 'loseReplyAfterEffect', call: 'create', probability: 1 });
      const fleet = await stage.create(fleetAt(AWS, 1, EAST));
      await stage.until(fleet.id, () => stage.standing().length > 0);
      const setBack = lab.tables.backup();
      stop();
      await stage.until(fleet.id, isUp);
      await stage.pass(40);
      const copy = copyOf(stage);
      await stage.pass(10);
      setBack();
      await stage.pass(20);
      await continueSweeps(stage);
      await stage.pass(20);
      expect((await stage.read(fleet.id)).status).toBe('Running');
      expect(lab.clouds.machines()).toContainEqual(
        expect.objectContaining({ backendId: copy, status: 'Running' }),
      );
    });
  });
});

/** Plants a copy of the first machine. @returns the id of the copy at the cloud */
function copyOf(stage: Stage): string {
  const [original] = stage.standing();
  if (!original) throw new Error('the clouds have no machine to copy');
  const { cloud, account: connection, location, name, launchToken, tags } = original;
  const instanceType = 'small';
  return plantInstance(stage.lab.clouds.engine.world, {
    ...{ cloud, connection, location, name, launchToken, tags },
    ...{ instanceType, networkId: '' },
  }).backendId;
}

/** Starts a second deployment with the same id at the same clouds. It has its own tables. */
async function second({ lab: { ground, clouds } }: Stage): Promise<Lab> {
  const writerId = 'the-second-writer';
  const lab = new Lab(ground, { ...SCENARIO, sharedClouds: clouds, writerId, onCloudEvent: () => {} });
  lab.startSchedules();
  const about = { query: {}, idempotencyKey: undefined };
  await lab.requestAccess((api) => api.createNamespace({ ...about, params: {}, body: { name: NAMESPACE } }));
  await register(lab, 'sim-aws');
  return lab;
}

/** Creates a connection to the account that the first deployment uses. */
async function register(lab: Lab, name: string): Promise<void> {
  const about = { query: {}, idempotencyKey: undefined };
  const body = {
    name,
    driver: 'sim' as const,
    cloud: 'aws' as const,
    endpoint: ENDPOINT,
    credential: { account: 'sim-aws' },
  };
  await lab.requestConnections((api) =>
    api.createConnection({ ...about, params: { namespace: NAMESPACE }, body }),
  );
}

async function deleteConnection(lab: Lab): Promise<void> {
  const params = { namespace: NAMESPACE, connection: 'sim-aws' };
  const about = { params, query: {}, body: undefined, idempotencyKey: undefined };
  await lab.requestConnections((api) => api.deleteConnection(about));
}

const connectionOf = async (lab: Lab) => await readConnection(storeOf(lab), NAMESPACE, 'sim-aws');

describe('a second deployment with the same deployment id', PATIENT, () => {
  it('a second deployment with the same id is refused at the account, and neither deployment removes a machine', async () => {
    await tell(async (stage) => {
      const fleet = await stage.create(fleetAt(AWS, SIZE, EAST));
      await stage.until(fleet.id, isUp);
      const other = await second(stage);
      await stage.pass(120);
      expect(await connectionOf(other)).toMatchObject({
        status: 'Failed',
        failure: { code: 'DeploymentIdInUse' },
      });
      await expect(new Stage(other).create(fleetAt(AWS, 2, EAST))).rejects.toThrow();
      expect(removed(stage)).toBe(0);
      expect(marksAt(stage)).toEqual(['fleetwright/chaos/the-only-writer']);
      expect(await holdsOf(stage.lab)).toEqual([]);
      other.tables.takeBack();
    });
  });

  it('a second deployment is refused while the account cannot list the marks of deployments', async () => {
    await tell(async (stage) => {
      const stop = stage.addFault({ kind: 'error', call: 'listNotes', probability: 1 });
      const other = await second(stage);
      await stage.pass(5);
      expect(await connectionOf(other)).toMatchObject({ status: 'Failed', failure: { code: 'Unavailable' } });
      stop();
      verify(other, 'sim-aws');
      await stage.pass(5);
      expect(await connectionOf(other)).toMatchObject({
        status: 'Failed',
        failure: { code: 'DeploymentIdInUse' },
      });
      other.tables.takeBack();
    });
  });

  it('a second deployment is accepted after the first deployment deleted its connection to the account', async () => {
    await tell(async (stage) => {
      await stage.pass(2);
      expect(marksAt(stage)).toHaveLength(1);
      await deleteConnection(stage.lab);
      expect(marksAt(stage)).toEqual([]);
      const other = await second(stage);
      await stage.pass(1);
      expect(await connectionOf(other)).toMatchObject({ status: 'Ready' });
      expect(marksAt(stage)).toEqual(['fleetwright/chaos/the-second-writer']);
      other.tables.takeBack();
    });
  });

  it("a deployment's mark at an account stays when one of its two connections to the account is deleted", async () => {
    await tell(async (stage) => {
      await register(stage.lab, 'also-aws');
      await stage.pass(2);
      await deleteConnection(stage.lab);
      expect(marksAt(stage)).toEqual(['fleetwright/chaos/the-only-writer']);
    });
  });

  it("a connection is deleted even if the cloud fails to remove the deployment's mark, which then stays", async () => {
    await tell(async (stage) => {
      await stage.pass(2);
      const recover = stage.addFault({ kind: 'error', probability: 1 });
      await deleteConnection(stage.lab);
      recover();
      expect(await connectionOf(stage.lab)).toBeUndefined();
      expect(marksAt(stage)).toEqual(['fleetwright/chaos/the-only-writer']);
    });
  });

  it('if another deployment has a fresh mark at the account, sweeps are on hold until an operator continues them', async () => {
    await tell(async (stage) => {
      const fleet = await stage.create(fleetAt(AWS, SIZE, EAST));
      await stage.until(fleet.id, isUp);
      const { world } = stage.lab.clouds.engine;
      const mark = (atMs: number) =>
        world.commit({
          kind: 'note',
          cloud: 'aws',
          account: 'sim-aws',
          name: 'fleetwright/chaos/the-second-writer',
          value: JSON.stringify({ sinceMs: atMs, renewedAtMs: atMs }),
        });
      mark(stage.lab.ground.now());
      await stage.pass(5);
      expect(await holdsOf(stage.lab)).toMatchObject([{ connection: 'sim-aws', because: 'another-writer' }]);
      await continueSweeps(stage);
      await stage.pass(5);
      expect(await holdsOf(stage.lab)).toEqual([]);
      expect(marksAt(stage)).toEqual(['fleetwright/chaos/the-only-writer']);
      mark(stage.lab.ground.now());
      await stage.pass(5);
      expect(await holdsOf(stage.lab)).toMatchObject([{ because: 'another-writer' }]);
    });
  });

  it("a deployment removes another deployment's mark that was not renewed for a day", async () => {
    await tell(async (stage) => {
      const { world } = stage.lab.clouds.engine;
      const atMs = stage.lab.ground.now() - 25 * 3_600_000;
      world.commit({
        kind: 'note',
        cloud: 'aws',
        account: 'sim-aws',
        name: 'fleetwright/chaos/the-writer-before',
        value: JSON.stringify({ sinceMs: atMs, renewedAtMs: atMs }),
      });
      await stage.pass(5);
      expect((await connectionOf(stage.lab))?.status).toBe('Ready');
      expect(marksAt(stage)).toEqual(['fleetwright/chaos/the-only-writer']);
    });
  });

  it('a connection without the right to write marks is Ready with a warning, and launches fleets', async () => {
    await tell(async (stage) => {
      stage.lab.clouds.engine.world.commit({
        kind: 'account',
        account: 'sim-aws',
        rule: { revoked: false, deniesNotes: true },
      });
      await stage.lab.requestConnections(({ verifyConnection }) =>
        verifyConnection({
          params: { namespace: NAMESPACE, connection: 'sim-aws' },
          query: {},
          body: undefined,
          idempotencyKey: undefined,
        }),
      );
      await stage.pass(1);
      expect(await connectionOf(stage.lab)).toMatchObject({
        status: 'Ready',
        warning: { code: 'NoWriterMark' },
      });
      const fleet = await stage.create(fleetAt(AWS, 2, EAST));
      await stage.until(fleet.id, isUp);
    });
  });
});
