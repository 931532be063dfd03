import { isClosed } from '../../../functions/model/status.ts';
import type { InstanceItem } from '../../../functions/platform/store/instances.ts';
import { instanceKey } from '../../../functions/platform/store/keys.ts';
import { volumesAt } from '../../../local/sim/engine/volumes.ts';
import type { Lab } from '../world/lab.ts';
import { type ForgottenMachines, isReported } from './forgotten-machines.ts';
import { type Violation, violationBy } from './violation.ts';
import { isRecordedAsKept } from './watch-kept-disks.ts';

/**
 * Checks that no volume outlives its machine, except for a disk that is to be kept, which then has a record. A volume that
 * a sweep has reported may be left for an operator.
 */
export function checkVolumes(
  lab: Lab,
  instances: readonly InstanceItem[],
  forgotten: ForgottenMachines,
): Violation[] {
  const records = new Map(instances.map((record) => [record.instanceId, record]));
  const machines = new Map(lab.clouds.machines().map((machine) => [machine.backendId, machine]));
  return lab.clouds.sites
    .flatMap((site) => volumesAt(site, lab.ground.now()))
    .flatMap(({ backendId, instanceId, deleteOnTermination }): Violation[] => {
      const machine = machines.get(instanceId ?? '');
      const record = records.get(machine?.ours ?? '');
      if (!machine || !record || !isClosed(record.status)) return [];
      if (forgotten.isExcused(lab, machine) || isReported(lab, backendId)) return [];
      if (!deleteOnTermination && isRecordedAsKept(lab, backendId)) return [];
      const text = `volume ${backendId} is left of ${record.instanceId}, which is ${record.status}`;
      return [violationBy('leaked', text, lab.writers.of(instanceKey(record)))];
    });
}
