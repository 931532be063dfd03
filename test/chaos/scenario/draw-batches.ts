import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import { Random } from '../time/random.ts';

const MOST_PER_CALL = 100;

/** What EC2 meters in a region by default, as `functions/model/ec2-limits.ts` has it. It has no slots. */
const EC2: Pick<CloudConfig, 'slots' | 'rates' | 'instancesPerCall'> = {
  slots: {},
  rates: {
    create: { perSecond: 2, burst: 5 },
    instances: { perSecond: 2, burst: 1_000 },
    list: { perSecond: 10, burst: 50 },
    mutate: { perSecond: 5, burst: 50 },
    actions: {
      terminate: { calls: { perSecond: 5, burst: 100 }, instances: { perSecond: 20, burst: 1_000 } },
      stop: { calls: { perSecond: 5, burst: 50 }, instances: { perSecond: 20, burst: 1_000 } },
      start: { calls: { perSecond: 2, burst: 5 }, instances: { perSecond: 2, burst: 1_000 } },
    },
  },
  instancesPerCall: MOST_PER_CALL,
};

/**
 * Draws how a cloud makes several machines in one call: none, up to `most` machines, with calls and machines metered
 * apart or not, or as EC2 does.
 *
 * @param most maximum number of machines in one call; 1: the cloud makes no batches, unless it is like EC2
 */
export function withBatches(seed: number, name: string, cloud: CloudConfig, most: number): CloudConfig {
  const random = new Random(seed, `batches of ${name}`);
  if (random.chance(0.12)) return { ...cloud, ...EC2 };
  if (most < 2) return cloud;
  const instancesPerCall = random.chance(0.3) ? MOST_PER_CALL : most;
  if (!random.chance(0.6)) return { ...cloud, instancesPerCall };
  const perSecond = random.int(1, 4);
  const create = { perSecond, burst: perSecond + random.int(0, 6) };
  return { ...cloud, instancesPerCall, rates: { ...cloud.rates, create, instances: cloud.rates.create } };
}
