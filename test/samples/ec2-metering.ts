import type { CloudConfig } from '../../local/sim/engine/config.ts';

/**
 * What EC2 meters in a region of an account by default, for a simulated cloud. The figures are those of
 * `functions/model/ec2-limits.ts`. It has no slots, and makes at most 100 machines in one call.
 */
export const EC2_METERING: Pick<CloudConfig, 'slots' | 'rates' | 'instancesPerCall'> = {
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
  instancesPerCall: 100,
};
