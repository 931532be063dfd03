import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import { EC2_METERING } from '../../samples/ec2-metering.ts';
import { Random } from '../time/random.ts';

/**
 * Draws how a cloud makes several machines in one call: none, up to `most` machines, with calls and machines metered
 * apart or not, or as EC2 does.
 *
 * @param most maximum number of machines in one call; 1: the cloud makes no batches, unless it is like EC2
 */
export function withBatches(seed: number, name: string, cloud: CloudConfig, most: number): CloudConfig {
  const random = new Random(seed, `batches of ${name}`);
  if (random.chance(0.12)) return { ...cloud, ...EC2_METERING };
  if (most < 2) return cloud;
  const instancesPerCall = random.chance(0.3) ? EC2_METERING.instancesPerCall : most;
  if (!random.chance(0.6)) return { ...cloud, instancesPerCall };
  const perSecond = random.int(1, 4);
  const create = { perSecond, burst: perSecond + random.int(0, 6) };
  return { ...cloud, instancesPerCall, rates: { ...cloud.rates, create, instances: cloud.rates.create } };
}
