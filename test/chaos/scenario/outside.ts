import type { InstanceRecord } from '../../../local/sim/engine/records.ts';
import { isForeignAccount } from '../models/clouds.ts';
import type { Lab } from '../world/lab.ts';

/** What a user does in a cloud's console to one machine of this deployment. */
export const OUTSIDE_DEEDS = ['stop', 'delete', 'give-up-delete', 'resize', 'readdress'] as const;
export type OutsideDeed = (typeof OUTSIDE_DEEDS)[number];

const OTHER_TYPE = 'large';
/** Time in ms for which a machine is shown as being removed before it is gone, or before the cloud gives up. */
const REMOVING_MS = 20_000;

/**
 * Changes one machine without the product. A machine that was stopped is started again after `forMs`, with another
 * public address. A machine that is deleted is shown as Terminating for a while.
 */
export async function actOutside(lab: Lab, cloud: string, deed: OutsideDeed, forMs: number): Promise<void> {
  const { clouds, ground } = lab;
  const { world } = clouds.engine;
  const candidates = clouds
    .machines()
    .filter((one) => one.cloud === cloud && one.ours !== undefined && !isForeignAccount(one.account))
    .filter(({ status }) => status === 'Running' || (deed === 'delete' && status === 'Creating'));
  if (candidates.length === 0) return;
  const { status: _status, ours: _ours, ...chosen } = ground.random.pick(candidates);
  const put = (fields: Partial<InstanceRecord>) => {
    const now = clouds.machines().find(({ backendId }) => backendId === chosen.backendId);
    if (!now || now.status === 'Terminated' || now.removeAskedAtMs !== undefined) return;
    const { status: _now, ours: __, ...record } = now;
    world.commit({ kind: 'instance', record: { ...record, ...fields } });
  };
  const nowMs = ground.now();
  // A machine without a public address gets none.
  const newAddress = () =>
    chosen.publicIp === undefined
      ? {}
      : { publicIp: `198.18.${ground.random.int(0, 255)}.${ground.random.int(1, 254)}` };
  ground.counts.outsideDeeds += 1;
  ground.trace.add('scenario', `${deed} of ${chosen.backendId} outside`);
  switch (deed) {
    case 'stop':
      put({ power: { kind: 'stop', askedAtMs: nowMs, doneAtMs: nowMs + 2_000 } });
      await ground.sleep(forMs);
      put({
        ...newAddress(),
        power: { kind: 'start', askedAtMs: ground.now(), doneAtMs: ground.now() + 2_000 },
      });
      return;
    case 'delete':
      put({ removeAskedAtMs: nowMs, terminatedAtMs: nowMs + REMOVING_MS, vanished: true });
      return;
    case 'give-up-delete':
      put({ removeAskedAtMs: nowMs });
      await ground.sleep(REMOVING_MS);
      goOn(lab, chosen.backendId, nowMs);
      return;
    case 'resize':
      put({ instanceType: OTHER_TYPE });
      return;
    case 'readdress':
      put(newAddress());
      return;
  }
}

/** Makes a machine run again, unless a request of the product has ended it in the meantime. */
function goOn({ clouds }: Lab, backendId: string, askedAtMs: number): void {
  const now = clouds.machines().find((one) => one.backendId === backendId);
  if (!now || now.removeAskedAtMs !== askedAtMs || now.terminatedAtMs !== undefined) return;
  const { status: _status, ours: _ours, removeAskedAtMs: _asked, ...record } = now;
  clouds.engine.world.commit({ kind: 'instance', record });
}
