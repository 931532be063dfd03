import { afterEach, describe, expect, it } from 'vitest';
import type { BatchTerminate } from '../../../../functions/drivers/contract/capabilities.ts';
import type { CloudClient } from '../../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { removeMachines } from '../../../../functions/features/poller/remove-machines.ts';
import type { LimitOverride } from '../../../../functions/model/limit-profile.ts';
import { readInstances } from '../../../../functions/platform/store/instances.ts';
import type { OpenConnection } from '../../../../functions/platform/worker/context.ts';
import { EAST, FLEET, launchOf, NOON, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
afterEach(() => fleet.end());

async function open(size: number, limits: LimitOverride = {}): Promise<void> {
  fleet = await OneFleet.open({ size, limits });
  for (let index = 0; index < size; index += 1) await fleet.handle(launchOf(index));
  fleet.nowMs = NOON + 60_000;
  fleet.history.length = 0;
}
async function remove(opened?: OpenConnection): Promise<boolean | 'died'> {
  const records = await readInstances(
    fleet.store,
    fleet.cloud.made.map((_, index) => ({ fleetId: FLEET, index })),
  );
  const removals = fleet.cloud.made.map(({ backendId }) => {
    const found = [...records.values()].find((one) => one.backendId === backendId);
    if (!found) throw new Error(`no record has the machine ${backendId}`);
    return { record: found, backendId };
  });
  const { context } = fleet.worker;
  return await fleet.run(fleet.worker, async () =>
    removeMachines({ context, site: EAST, opened: opened ?? (await fleet.opened()) }, removals),
  );
}
const terminated = () => fleet.history.filter((one) => one.startsWith('terminate'));

describe('removeMachines', () => {
  it('removeMachines makes a removal call for each machine, and returns false because no call is left', async () => {
    await open(3);
    expect(await remove()).toBe(false);
    expect(terminated()).toEqual(['terminate m1', 'terminate m2', 'terminate m3']);
    expect(fleet.nowMs).toBe(NOON + 60_000);
  });

  it('removeMachines makes no removal call if it gets no machine', async () => {
    await open(1);
    const before = fleet.worker.steps;
    expect(
      await removeMachines({ context: fleet.worker.context, site: EAST, opened: await fleet.opened() }, []),
    ).toBe(false);
    expect(fleet.worker.steps).toBeLessThanOrEqual(before + 1);
    expect(terminated()).toEqual([]);
  });

  it('a poll starts permitted removals for four seconds, and leaves the other machines to the next poll', async () => {
    await open(12, { calls: { mutate: { perSecond: 1, burst: 1 } } });
    expect(await remove()).toBe(true);
    expect(terminated()).toHaveLength(4);
    expect(fleet.nowMs - NOON - 60_000).toBeLessThanOrEqual(6_100);
  });

  it('a removal that the cloud refuses counts as answered, because the next poll requests the removal again', async () => {
    await open(2);
    fleet.cloud.meet = (call) => {
      if (call === 'terminate m1') throw new DriverError('Unavailable', 'not now');
    };
    expect(await remove()).toBe(false);
    expect(terminated()).toEqual(['terminate m1', 'terminate m2']);
  });

  it('removeMachines throws if a removal fails with an error other than a DriverError', async () => {
    await open(1);
    fleet.cloud.meet = (call) => {
      if (call.startsWith('terminate')) throw new Error('the driver broke');
    };
    await expect(remove()).rejects.toThrow('the driver broke');
  });

  it('a poll stops waiting for answers two seconds after it has started the last removal', async () => {
    await open(2);
    const opened = await fleet.opened();
    const silent: OpenConnection = {
      ...opened,
      onTerms: (terms) => {
        const client = opened.onTerms(terms);
        const wait = async (): Promise<void> => {
          terms.onPermit?.();
          await new Promise(() => {});
        };
        return new Proxy(client, {
          get: (target, name) => (name === 'terminateInstance' ? wait : Reflect.get(target, name)),
        });
      },
    };
    expect(await remove(silent)).toBe(true);
    expect(fleet.nowMs).toBe(NOON + 62_000);
  });

  it('one call removes many machines, and a machine that the cloud refuses to remove is tried again alone later', async () => {
    await open(7);
    const asked: (readonly string[])[] = [];
    const refusal = new DriverError('InvalidRequest', 'm3 is protected');
    const opened = await fleet.opened();
    const client: CloudClient & BatchTerminate = Object.assign(Object.create(opened.client), {
      maxTerminatedPerCall: 3,
      terminateInstances: async (_location: string, ids: readonly string[]) => {
        asked.push(ids);
        return ids.map((backendId) => (backendId === 'm3' ? { backendId, error: refusal } : { backendId }));
      },
    });
    const batching = { ...opened, client, onTerms: () => client };
    expect(await remove(batching)).toBe(false);
    expect(asked).toEqual([
      ['m1', 'm2', 'm3'],
      ['m4', 'm5', 'm6'],
    ]);
    expect(terminated()).toEqual(['terminate m7']);
    expect(await remove(batching)).toBe(false);
    expect(asked.slice(2).flat()).toEqual(['m1', 'm2', 'm4', 'm5', 'm6', 'm7']);
  });

  it('machines of a call that gets no permit are left to the next poll', async () => {
    await open(2);
    const opened = await fleet.opened();
    const error = new DriverError('NoPermit', 'later');
    const client: CloudClient & BatchTerminate = Object.assign(Object.create(opened.client), {
      maxTerminatedPerCall: 100,
      terminateInstances: async (_location: string, ids: readonly string[]) =>
        ids.map((backendId) => ({ backendId, error })),
    });
    expect(await remove({ ...opened, client, onTerms: () => client })).toBe(true);
  });
});
