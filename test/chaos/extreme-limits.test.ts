import { expect, it } from 'vitest';
import { type LimitOverride, limitOverrideSchema } from '../../functions/model/limit-profile.ts';
import { inCanaryWorld } from '../canaries/canary-world.ts';
import { SITES } from '../field/harness/sites.ts';
import { NAMESPACE } from './world/lab.ts';

const RARE = { perSecond: 0.000_01, burst: 1 };
const EXTREMES: readonly LimitOverride[] = [
  { calls: { create: RARE } },
  { calls: { list: RARE } },
  { calls: { mutate: RARE } },
  { calls: { create: RARE, list: RARE, mutate: RARE } },
  { calls: { create: RARE }, pacing: 'even' },
  { pacing: 'all-at-once', calls: { list: RARE } },
  { minimumSpacingMs: 86_400_000 },
  { createsPerMinute: 1, createsPerDay: 1 },
  { connectionCalls: { create: RARE, list: RARE } },
  { connectionCalls: { change: RARE } },
  { families: { m6i: { instances: RARE } } },
  { totals: { memoryGb: 0.001 } },
  { totals: { instances: 1 } },
  { concurrentLocations: 1, concurrentInstancesPerLocation: 1 },
  { calls: { create: { perSecond: 10_000, burst: 10_000 }, list: { perSecond: 10_000, burst: 10_000 } } },
];

it.each(EXTREMES)(
  'no queue message fails while a fleet launches under the extreme limits %j, and the fleet runs after a reset of the limits',
  async (limits) => {
    expect(limitOverrideSchema.safeParse(limits).success).toBe(true);
    const { places, lab } = await inCanaryWorld(
      { driver: 'sim', spelling: { name: 'none', spell: () => '' }, seed: 1 },
      async ({ user, stage, lab: world, ground }) => {
        const setLimits = (body: LimitOverride) =>
          world.requestConnections((api) =>
            api.setLimits({
              params: { namespace: NAMESPACE, connection: 'cloud' },
              query: {},
              body,
              idempotencyKey: undefined,
            }),
          );
        await user.makeNamespace();
        await user.connect('cloud', SITES.sim);
        await setLimits(limits);
        const fleet = await stage.create(user.order('web', 'cloud', SITES.sim, 2)).catch(() => undefined);
        await ground.sleep(20 * 60_000);
        await setLimits({});
        if (fleet) await stage.until(fleet.id, ({ status }) => status === 'Running');
      },
    );
    const failed = [...(places.texts.get('logs') ?? [])].filter((line) => line.includes('message failed'));
    expect(failed).toEqual([]);
    expect(lab.queues.get('sim')?.deadLetters).toEqual([]);
  },
  120_000,
);
