import { describe, expect, it } from 'vitest';
import type { Connection } from '../../functions/model/connection.ts';
import { ENDPOINT } from './models/clouds.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { restore, revoke, rotate } from './scenario/incidents.ts';
import { AWS, expectAfter, isGone, isUp, PATIENT } from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';

const SIZE = 6;

/** Rotates the credential, and waits until the new credential is in use or refused. */
async function rotated(stage: Stage, account: string): Promise<Connection> {
  await rotate(stage.lab, 'sim-aws', account);
  for (;;) {
    const connection = await stage.connection('sim-aws');
    if (connection.rotation?.status !== 'Verifying' && connection.status !== 'Verifying') return connection;
    await stage.lab.ground.sleep(500);
  }
}

const SWEPT_OFTEN = calmScenario({ sweepIntervalMs: 60_000, graceSeconds: 60 });

describe('a rotation to a credential of another account', PATIENT, () => {
  it('a rotation to another account is refused while a fleet is live, and the failure names both accounts', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE));
        await stage.until(id, isUp);
        const refused = await rotated(stage, 'another');
        expect(refused).toMatchObject({ status: 'Ready', account: 'sim-aws' });
        expect(refused.rotation).toMatchObject({ status: 'Failed', failure: { code: 'AnotherAccount' } });
        expect(refused.rotation?.failure?.message).toMatch(/account another.*account sim-aws/);
        await stage.pass(60);
        await rotated(stage, 'sim-aws');
        await stage.pass(60);
        expect(stage.standing()).toHaveLength(SIZE);
      },
      { Running: 1 },
      SWEPT_OFTEN,
    );
  });

  it('a connection without machines accepts another account, and is bound to that account afterwards', async () => {
    await expectAfter(
      async (stage) => {
        const first = await stage.create(fleetAt(AWS, SIZE));
        await stage.until(first.id, isUp);
        await stage.remove(first.id);
        await stage.until(first.id, isGone);
        await stage.pass(1);
        expect(await rotated(stage, 'another')).toMatchObject({ status: 'Ready', account: 'another' });
        const second = await stage.create(fleetAt(AWS, SIZE, { name: 'second' }));
        await stage.until(second.id, isUp);
        expect((await rotated(stage, 'sim-aws')).rotation?.failure?.code).toBe('AnotherAccount');
        expect(stage.standing().map(({ account }) => account)).toEqual(Array(SIZE).fill('another'));
      },
      { Terminated: 1, Running: 1 },
      SWEPT_OFTEN,
    );
  });
});

describe('a connection with the name of a deleted connection', PATIENT, () => {
  const params = { namespace: 'default', connection: 'sim-aws' };
  /**
   * After this time no request can write a secret of the deleted connection any more, and the schedule has
   * run.
   */
  const SECRETS_ABANDONED_MINUTES = 30;
  const about = { query: {}, idempotencyKey: undefined };

  /**
   * Deletes the connection, and immediately creates a connection with the same name.
   *
   * @returns the minutes until the new connection is Ready
   */
  async function replaced(stage: Stage, account: string): Promise<number> {
    const { lab } = stage;
    await lab.requestConnections((api) => api.deleteConnection({ ...about, params, body: undefined }));
    const body = {
      name: 'sim-aws',
      driver: 'sim' as const,
      cloud: 'aws' as const,
      endpoint: ENDPOINT,
      credential: { account },
    };
    await lab.requestConnections((api) =>
      api.createConnection({ ...about, params: { namespace: 'default' }, body }),
    );
    const sinceMs = lab.ground.now();
    for (;;) {
      if ((await stage.connection('sim-aws')).status === 'Ready') break;
      await lab.ground.sleep(500);
    }
    return (lab.ground.now() - sinceMs) / 60_000;
  }

  it("a connection with a deleted connection's name and another account makes no machine at the old account", async () => {
    await expectAfter(
      async (stage) => {
        const first = await stage.create(fleetAt(AWS, SIZE));
        await stage.until(first.id, isUp);
        await stage.remove(first.id);
        await stage.until(first.id, isGone);
        expect(await replaced(stage, 'another')).toBeGreaterThan(1);
        // The worker syncs the inventory after the connection is Ready.
        await stage.pass(0.5);
        const second = await stage.create(fleetAt(AWS, SIZE, { name: 'second' }));
        await stage.until(second.id, isUp);
        expect(stage.standing().map(({ account }) => account)).toEqual(Array(SIZE).fill('another'));
        await stage.pass(SECRETS_ABANDONED_MINUTES);
      },
      { Terminated: 1, Running: 1 },
      SWEPT_OFTEN,
    );
  });

  it("a connection with a deleted connection's name and account is Ready immediately", async () => {
    await expectAfter(
      async (stage) => {
        await stage.pass(1);
        expect(await replaced(stage, 'sim-aws')).toBeLessThan(0.2);
        await stage.pass(SECRETS_ABANDONED_MINUTES);
      },
      {},
      SWEPT_OFTEN,
    );
  });
});

describe('a rotation at a cloud that does not say to which account a credential belongs', PATIENT, () => {
  const UNTOLD = { ...SWEPT_OFTEN, tellsAccounts: false };
  const SLOW_TO_REMOVE = {
    ...calmScenario({ sweepIntervalMs: 60_000, graceSeconds: 60 }, { terminateSeconds: [60, 70] }),
    tellsAccounts: false,
  };

  it('a rotation is refused if the new credential does not list the running machines', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE));
        await stage.until(id, isUp);
        await stage.pass(1);
        const refused = await rotated(stage, 'another');
        expect(refused.account).toBeUndefined();
        expect(refused.rotation).toMatchObject({ status: 'Failed', failure: { code: 'AccountNotProven' } });
        await stage.pass(60);
        expect(stage.standing()).toHaveLength(SIZE);
      },
      { Running: 1 },
      UNTOLD,
    );
  });

  it('a rotation is refused if the new credential does not list machines that are being removed', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE));
        await stage.until(id, isUp);
        await stage.pass(1);
        await stage.remove(id);
        await stage.pass(0.05);
        expect(stage.standing()).toHaveLength(SIZE);
        const refused = await rotated(stage, 'another');
        expect(refused.rotation?.failure?.code).toBe('AccountNotProven');
        await stage.until(id, isGone);
        expect(stage.standing()).toEqual([]);
      },
      { Terminated: 1 },
      SLOW_TO_REMOVE,
    );
  });

  it('a rotation is refused if the new credential lists no terminating machine, even if the old credential is revoked', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE));
        await stage.until(id, isUp);
        await stage.pass(1);
        revoke(stage.lab, 'sim-aws');
        await stage.remove(id);
        await stage.pass(0.5);
        const refused = await rotated(stage, 'another');
        expect(refused.rotation?.failure?.code).toBe('AccountNotProven');
        expect(stage.standing()).toHaveLength(SIZE);
        restore(stage.lab, 'sim-aws');
        await stage.until(id, isGone);
        expect(stage.standing()).toEqual([]);
      },
      { Terminated: 1 },
      UNTOLD,
    );
  });

  it('a rotation is refused if the new credential does not list the networks of a fleet without machines', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE));
        await stage.until(id, isUp);
        await stage.pass(1);
        const { engine } = stage.lab.clouds;
        for (const { cloud, account, location, backendId } of stage.standing())
          await engine.handle(
            { cloud, account, apiKey: undefined },
            { call: 'terminate', location, backendId },
          );
        await stage.until(id, ({ counts }) => counts.Terminated === SIZE);
        const { rotation } = await rotated(stage, 'another');
        expect(rotation?.failure?.code).toBe('AccountNotProven');
        expect(rotation?.failure?.message).toContain('1 of the networks that connection sim-aws has at');
        expect(await rotated(stage, 'sim-aws')).toMatchObject({ status: 'Ready', credentialVersion: 3 });
        await stage.remove(id);
        await stage.until(id, isGone);
      },
      { Terminated: 1 },
      UNTOLD,
    );
  });

  it('a rotation is refused while all machines are too young to be in a list', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE));
        await stage.until(id, ({ counts }) => (counts.Creating ?? 0) > 0);
        const refused = await rotated(stage, 'another');
        expect(refused.rotation).toMatchObject({ status: 'Failed', failure: { code: 'AccountNotProven' } });
        await stage.until(id, isUp);
        expect(stage.standing()).toHaveLength(SIZE);
      },
      { Running: 1 },
      UNTOLD,
    );
  });

  it('a rotation is accepted if the new credential lists the running machines', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE));
        await stage.until(id, isUp);
        await stage.pass(1);
        const taken = await rotated(stage, 'sim-aws');
        expect(taken).toMatchObject({ status: 'Ready', credentialVersion: 2 });
        expect(taken.rotation).toBeUndefined();
      },
      { Running: 1 },
      UNTOLD,
    );
  });

  it('a rotation is accepted if a machine is missing from the lists of both the current and the new credential', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 2, { locations: ['east-1'] }));
        await stage.until(id, isUp);
        await stage.pass(1);
        const [lost] = stage.standing();
        if (!lost) throw new Error('the cloud has no machine');
        const { engine } = stage.lab.clouds;
        const { cloud, account, location, backendId } = lost;
        await engine.handle(
          { cloud, account, apiKey: undefined },
          { call: 'terminate', location, backendId },
        );
        await stage.pass(0.5);
        expect(await rotated(stage, 'sim-aws')).toMatchObject({ status: 'Ready', credentialVersion: 2 });
      },
      { PartiallyRunning: 1 },
      UNTOLD,
    );
  });
});
