import type { CloudConfig } from '../../local/sim/engine/config.ts';
import { EC2_METERING } from '../../test/samples/ec2-metering.ts';
import type { CallMeters } from '../ideal/metered-schedule.ts';
import { cloudsWithoutQuotas } from '../makespan/clouds.ts';

export const CLOUD = 'aws';

/** Returns a simulated cloud that meters calls and machines as EC2 does by default, without quotas and slots. */
export function meteredCloud(): CloudConfig {
  const { [CLOUD]: cloud } = cloudsWithoutQuotas();
  if (!cloud) throw new Error(`the simulated clouds have no ${CLOUD}`);
  return { ...cloud, ...EC2_METERING, bootSeconds: [20, 40] };
}

/** Returns the first regions of the cloud. @throws RangeError if it has fewer */
export function regionsOf({ locations }: CloudConfig, count: number): string[] {
  const names = Object.keys(locations).slice(0, count);
  if (names.length < count) throw new RangeError(`the cloud has ${names.length} regions, and not ${count}`);
  return names;
}

/** What a region of the cloud meters of create calls. */
export function createMeters({ rates, instancesPerCall }: CloudConfig): CallMeters {
  if (!rates.instances) throw new Error('the cloud does not meter machines');
  return { calls: rates.create, machines: rates.instances, machinesPerCall: instancesPerCall };
}

/** Maximum number of machines in a call of the ideal schedule that removes machines. */
const REMOVED_PER_CALL = 1_000;

/** What a region of the cloud meters of calls that remove machines. */
export function removalMeters({ rates }: CloudConfig): CallMeters {
  const { calls, instances } = rates.actions?.terminate ?? {};
  if (!calls || !instances) throw new Error('the cloud does not meter removals apart');
  return { calls, machines: instances, machinesPerCall: REMOVED_PER_CALL };
}
