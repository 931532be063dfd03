import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../functions/model/fleet.ts';
import { plantInstance } from '../../local/sim/engine/plant.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { changeAccount, forget, setLocation } from './scenario/incidents.ts';
import { AWS, EAST, isGone, isUp, PATIENT } from './scenario/limited.ts';
import { runScenario, type Story } from './scenario/run.ts';
import type { Stage } from './scenario/stage.ts';

const SIZE = 6;
/** Price of a public IPv4 address at AWS, per hour. */
const PUBLIC_IP_USD = 0.005;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const AT_EAST = { cloud: 'aws', connection: 'sim-aws', location: 'east-1' };

async function tell(story: Story, sweepMinutes = 2): Promise<void> {
  const scenario = calmScenario({ sweepIntervalMs: sweepMinutes * MINUTE_MS, graceSeconds: 120 });
  expect((await runScenario(scenario, false, story)).violations).toEqual([]);
}

async function running(stage: Stage) {
  const fleet = await stage.create(fleetAt(AWS, SIZE, EAST));
  await stage.until(fleet.id, isUp);
  return { fleet, ids: (await stage.records(fleet)).map(({ backendId }) => backendId) };
}

const eventsOf = ({ lab }: Stage, type: string) => lab.events.filter((event) => event.type === type);

/** Returns the number of these machines for which no worker has requested a removal. */
function left({ lab }: Stage, ids: readonly (string | undefined)[]): number {
  const machines = lab.clouds.machines().filter(({ backendId }) => ids.includes(backendId));
  return machines.filter(({ removeAskedAtMs }) => removeAskedAtMs === undefined).length;
}

describe('copies of machines', PATIENT, () => {
  it('copies made a day later are reported and not removed, before and after their originals are gone', async () => {
    await tell(async (stage) => {
      const { fleet, ids } = await running(stage);
      await stage.pass(DAY_MINUTES);
      const { engine } = stage.lab.clouds;
      const originals = stage.lab.clouds.machines().filter(({ backendId }) => ids.includes(backendId));
      const copies = originals.map(
        ({ name, tags, launchToken }) =>
          plantInstance(engine.world, {
            ...AT_EAST,
            name,
            tags,
            launchToken,
            instanceType: 'small',
            networkId: '',
          }).backendId,
      );
      await stage.pass(3 * 60);
      expect([left(stage, ids), left(stage, copies)]).toEqual([SIZE, SIZE]);
      expect(eventsOf(stage, 'Orphan Reported').map(({ detail }) => detail['reason'])).toEqual(
        copies.map(() => 'copy'),
      );
      await stage.remove(fleet.id);
      await stage.until(fleet.id, isGone);
      await stage.pass(3 * 60);
      expect([left(stage, ids), left(stage, copies)]).toEqual([0, SIZE]);
    }, 60);
  });
});

describe('a list that is wrongly empty', PATIENT, () => {
  it('one empty list does not close the records of machines that are being removed', async () => {
    await tell(async (stage) => {
      const { fleet } = await running(stage);
      stage.addFault({ kind: 'stuckTerminating', probability: 1, delayMs: 30_000 });
      await stage.remove(fleet.id);
      await stage.pass(0.1);
      stage.lab.clouds.emptyNextList({ cloud: 'aws', location: 'east-1' });
      await stage.pass(0.2);
      expect(stage.standing()).toHaveLength(SIZE);
      const { counts } = await stage.read(fleet.id);
      expect(counts).toMatchObject({ Terminating: SIZE });
      await stage.until(fleet.id, isGone);
      expect(stage.standing()).toEqual([]);
    });
  });

  it('one empty list does not mark running machines as vanished', async () => {
    await tell(async (stage) => {
      const { fleet, ids } = await running(stage);
      stage.lab.clouds.emptyNextList({ cloud: 'aws', location: 'east-1' });
      await stage.pass(10);
      expect(left(stage, ids)).toBe(SIZE);
      expect((await stage.read(fleet.id)).counts).toMatchObject({ Running: SIZE });
      expect(eventsOf(stage, 'Instance Vanished')).toEqual([]);
    });
  });
});

describe('machines that vanish at a site with a low list rate', PATIENT, () => {
  it('all vanished machines are noticed within ten minutes even if list calls are rarer than polls', async () => {
    const list = { perSecond: 0.3, burst: 1 };
    const connections = [{ name: 'sim-aws', cloud: 'aws', limits: { calls: { list } } }] as const;
    const scenario = calmScenario({ connections, sweepIntervalMs: 20 * MINUTE_MS });
    const { violations } = await runScenario(scenario, false, async (stage) => {
      const { fleet } = await running(stage);
      forget(stage.lab, stage.missed, AT_EAST, 60 * MINUTE_MS);
      const sinceMs = stage.lab.ground.now();
      await stage.until(fleet.id, ({ counts }) => counts.Terminated === SIZE);
      expect(stage.lab.ground.now() - sinceMs).toBeLessThan(10 * MINUTE_MS);
      await stage.until(fleet.id, ({ counts }) => counts.Running === SIZE);
    });
    expect(violations).toEqual([]);
  });
});

describe('machines that their cloud denies for a while', PATIENT, () => {
  it('machines whose existence a cloud denied for ten minutes are bound to the same instances again', async () => {
    await tell(async (stage) => {
      const { fleet, ids } = await running(stage);
      forget(stage.lab, stage.missed, AT_EAST, 10 * MINUTE_MS);
      const gone = await stage.until(fleet.id, ({ counts }) => counts.Terminated === SIZE);
      expect(gone.usdPerHour).toBe(0);
      // The status of the fleet follows its counts within a second.
      const back = await stage.until(
        fleet.id,
        ({ counts, status }) => counts.Running === SIZE && status === 'Running',
      );
      expect(back.failures).toEqual([]);
      expect(back.usdPerHour).toBeCloseTo(SIZE * (0.05 + PUBLIC_IP_USD));
      expect((await stage.records(fleet)).map(({ backendId }) => backendId)).toEqual(ids);
      await stage.pass(60);
      expect(left(stage, ids)).toBe(SIZE);
      expect(eventsOf(stage, 'Instance Returned')).toHaveLength(SIZE);
    });
  });

  it('a fleet runs again with its returned machines even if the worker that saw the return died', async () => {
    await tell(async (stage) => {
      const { lab } = stage;
      setLocation(lab, 'gcp', 'east-1', false);
      const fleet = await stage.create(fleetAt([...AWS, 'sim-gcp'], SIZE, EAST));
      await stage.until(fleet.id, ({ counts }) => counts.Running === SIZE);
      forget(lab, stage.missed, AT_EAST, 10 * MINUTE_MS);
      await stage.until(fleet.id, ({ counts }) => counts.Terminated === SIZE);
      setLocation(lab, 'gcp', 'east-1', true);
      await stage.until(fleet.id, ({ status }) => status === 'PartiallyRunning');
      const { fleets } = lab.tables;
      const { onWrite } = fleets;
      let deaths = 0;
      fleets.onWrite = (before, after) => {
        onWrite(before, after);
        if (deaths > 0 || before?.['status'] !== 'Terminated' || after?.['status'] !== 'Running') return;
        deaths += 1;
        void lab.ground.sleep(0).then(() => lab.killWorkers('a story'));
      };
      const runsAgain = ({ counts }: Fleet) => counts.Running === 2 * SIZE;
      await stage.until(fleet.id, (now) => now.status === 'Running' && runsAgain(now));
      expect(deaths).toBe(1);
      fleets.onWrite = onWrite;
    });
  });

  it('a fleet is Failed while too few of its vanished machines are back, and PartiallyRunning when enough are', async () => {
    const scenario = calmScenario({ sweepIntervalMs: 2 * MINUTE_MS }, { instanceQuota: SIZE });
    const story: Story = async (stage) => {
      const atGcp = fleetAt(['sim-gcp'], SIZE + 1, EAST);
      const asked = fleetAt(AWS, SIZE, EAST);
      const { id } = await stage.create({
        ...asked,
        minimumInstances: 2 * SIZE,
        nodeGroups: [...asked.nodeGroups, ...atGcp.nodeGroups],
      });
      await stage.until(id, ({ status }) => status === 'PartiallyRunning');
      forget(stage.lab, stage.missed, { ...AT_EAST, cloud: 'gcp', connection: 'sim-gcp' }, 40 * MINUTE_MS);
      await stage.until(id, ({ counts }) => counts.Terminated === SIZE);
      forget(stage.lab, stage.missed, AT_EAST, 10 * MINUTE_MS);
      await stage.until(id, ({ counts }) => counts.Terminated === 2 * SIZE);
      await stage.until(id, ({ counts }) => counts.Terminated === SIZE);
      await stage.pass(5);
      expect((await stage.read(id)).status).toBe('Failed');
      await stage.until(id, ({ counts }) => counts.Running === 2 * SIZE);
      await stage.until(id, ({ status }) => status === 'PartiallyRunning');
    };
    expect((await runScenario(scenario, false, story)).violations).toEqual([]);
  });

  it('vanished machines that come back after their fleet was deleted are removed', async () => {
    await tell(async (stage) => {
      const { fleet, ids } = await running(stage);
      forget(stage.lab, stage.missed, AT_EAST, 10 * MINUTE_MS);
      await stage.until(fleet.id, ({ counts }) => counts.Terminated === SIZE);
      await stage.remove(fleet.id);
      await stage.until(fleet.id, isGone);
      await stage.pass(60);
      expect(left(stage, ids)).toBe(0);
    });
  });

  it('vanished machines that come back after a retry replaced them are removed', async () => {
    await tell(async (stage) => {
      const { fleet, ids } = await running(stage);
      forget(stage.lab, stage.missed, AT_EAST, 30 * MINUTE_MS);
      await stage.until(fleet.id, ({ counts }) => counts.Terminated === SIZE);
      await stage.act(fleet.id, 'retry');
      await stage.until(fleet.id, isUp);
      await stage.until(fleet.id, ({ counts }) => counts.Running === SIZE);
      await stage.pass(60);
      expect(left(stage, ids)).toBe(0);
      expect(stage.standing()).toHaveLength(SIZE);
    });
  });
});

describe('machines that come back after a retry at another location', PATIENT, () => {
  const BOTH = { locations: ['east-1', 'west-1'], name: 'both' };

  /** Returns location and machine id of each instance, in the order of the instances' positions. */
  async function machinesOf(stage: Stage, fleet: Fleet) {
    const records = (await stage.records(fleet)).toSorted((one, other) => one.index - other.index);
    return records.map(({ location, backendId = '' }) => `${location} ${backendId}`);
  }

  async function denied(stage: Stage, minutes: number) {
    const fleet = await stage.create(fleetAt(AWS, SIZE, BOTH));
    await stage.until(fleet.id, isUp);
    const records = await stage.records(fleet);
    const east = records.filter(({ location }) => location === 'east-1');
    expect(east.length).toBeGreaterThan(0);
    const ids = await machinesOf(stage, fleet);
    forget(stage.lab, stage.missed, AT_EAST, minutes * MINUTE_MS);
    await stage.until(fleet.id, ({ counts }) => counts.Terminated === east.length);
    return { fleet, ids };
  }

  it('vanished machines that come back are bound again if a retry at another location got no machine', async () => {
    await tell(async (stage) => {
      const { fleet, ids } = await denied(stage, 30);
      const refill = stage.addFault({ kind: 'capacity', call: 'create', probability: 1 });
      await stage.act(fleet.id, 'retry');
      const failed = await stage.until(
        fleet.id,
        ({ counts }) => (counts.Failed ?? 0) > 0 && (counts.Failed ?? 0) + (counts.Running ?? 0) === SIZE,
      );
      expect(failed.failures.map(({ code }) => code)).toEqual(['InsufficientCapacity']);
      const before = await stage.records(fleet);
      expect(before.map(({ location }) => location)).toEqual(Array(SIZE).fill('west-1'));
      refill();
      const back = await stage.until(
        fleet.id,
        ({ status, counts }) => status === 'Running' && counts.Running === SIZE,
      );
      expect(back.failures).toEqual([]);
      expect(back.usdPerHour).toBeCloseTo(SIZE * (0.05 + PUBLIC_IP_USD));
      expect(await machinesOf(stage, fleet)).toEqual(ids);
      await stage.pass(60);
      expect(await machinesOf(stage, fleet)).toEqual(ids);
    });
  });

  it('vanished machines that come back are bound again while a retry at another location is Planned', async () => {
    await tell(async (stage) => {
      const { fleet, ids } = await denied(stage, 4);
      stage.addFault({ kind: 'capacity', call: 'create', location: 'east-1', probability: 1 });
      setLocation(stage.lab, 'aws', 'west-1', false);
      await stage.act(fleet.id, 'retry');
      await stage.until(fleet.id, ({ counts }) => (counts.Planned ?? 0) > 0);
      const back = await stage.until(fleet.id, ({ counts }) => counts.Running === SIZE);
      expect(back.failures).toEqual([]);
      setLocation(stage.lab, 'aws', 'west-1', true);
      expect(await machinesOf(stage, fleet)).toEqual(ids);
      await stage.until(fleet.id, isUp);
      await stage.pass(60);
      expect(await machinesOf(stage, fleet)).toEqual(ids);
    });
  });
});

describe('a credential that reaches another account for a while', PATIENT, () => {
  it('network resources that seemed gone while the credential reached another account are listed again', async () => {
    await tell(async (stage) => {
      stage.addFault({ kind: 'bootFailure', cloud: 'gcp', probability: 0.4 });
      stage.addFault({ kind: 'stuckTerminating', cloud: 'gcp', probability: 1, delayMs: 10 * MINUTE_MS });
      const network = { mode: 'dedicated' } as const;
      const asked = { ...fleetAt([...AWS, 'sim-gcp'], SIZE, { ...EAST, failurePolicy: 'refine' }), network };
      const { id } = await stage.create(asked);
      const atAws = async () =>
        (await stage.resources(id)).filter(({ connection }) => connection === 'sim-aws').length;
      const refining = ({ counts }: Fleet) => (counts.Terminating ?? 0) > 0 && !counts.Creating;
      const { counts: before } = await stage.until(id, refining);
      expect(await atAws()).toBe(3);
      const changed = changeAccount(stage.lab, stage.missed, 'sim-aws', 30 * MINUTE_MS);
      await stage.until(id, ({ counts, status }) => status === 'Running' && !counts.Terminating);
      expect(await atAws()).toBe(0);
      await changed;
      await stage.until(id, ({ counts }) => counts.Running === before.Running);
      expect(await atAws()).toBe(3);
    });
  });

  it('machines that vanished while their credential reached another account are all bound again', async () => {
    await tell(async (stage) => {
      const { fleet, ids } = await running(stage);
      const changed = changeAccount(stage.lab, stage.missed, 'sim-aws', 60 * MINUTE_MS);
      await stage.until(fleet.id, ({ counts }) => counts.Terminated === SIZE);
      await changed;
      await stage.until(fleet.id, ({ counts }) => counts.Running === SIZE);
      await stage.pass(60);
      expect(left(stage, ids)).toBe(SIZE);
    });
  });
});
