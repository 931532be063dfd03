import { describe, expect, it } from 'vitest';
import { hasBlocksOfTypes, withBlocksOf } from '../../../../functions/platform/governor/blocks-of-types.ts';
import type { ClosedQuota } from '../../../../functions/platform/governor/quotas.ts';
import { capacityScope, type SiteState } from '../../../../functions/platform/governor/site-state.ts';
import { site } from './wanted.ts';

const quota = (fields: Partial<ClosedQuota>): ClosedQuota => ({
  of: 'family',
  message: 'used up',
  sinceMs: 0,
  retryAtMs: 0,
  askedIn: {},
  ...fields,
});
const LARGE = { instanceType: 'm6i.large', vcpus: 2, memoryGb: 8 };
const closed = {
  m6i: quota({ name: 'm6i' }),
  p5: quota({ name: 'p5' }),
  'vcpus little': quota({ of: 'vcpus', room: 1 }),
  'vcpus much': quota({ of: 'vcpus', room: 4 }),
  'vcpus class': quota({ of: 'vcpus', name: 'standard' }),
  spot: quota({ of: 'spot' }),
  instances: quota({ of: 'instances' }),
};
const keysOf = (state: SiteState) => Object.keys(state.closed ?? {});

describe('withBlocksOf', () => {
  it('a quota is left out if no instance type of the fleet needs more than its rest', () => {
    const left = keysOf(withBlocksOf({ ...site(), closed }, [LARGE]));
    expect(left).toEqual(['m6i', 'vcpus little', 'vcpus class', 'spot', 'instances']);
  });

  it('a quota stays if one of several instance types needs it', () => {
    const huge = { instanceType: 'p5.48xlarge', vcpus: 192, memoryGb: 2_048 };
    expect(keysOf(withBlocksOf({ ...site(), closed }, [LARGE, huge]))).toEqual(Object.keys(closed));
  });

  it('missing capacity and denials of other instance types are left out', () => {
    const scarcity = { sinceMs: 0, untilMs: 1 };
    const denial = { message: 'no', sinceMs: 0, retryAtMs: 0, delayMs: 0, askedIn: {} };
    const here = capacityScope({ instanceType: 'm6i.large', zone: 'a' });
    const state = {
      ...site(),
      scarce: { [here]: scarcity, [capacityScope({ instanceType: 'p5.48xlarge' })]: scarcity },
      denied: { 'm6i.large': denial, 'p5.48xlarge': denial },
    };
    const { scarce = {}, denied = {} } = withBlocksOf(state, [LARGE]);
    expect([Object.keys(scarce), Object.keys(denied)]).toEqual([[here], ['m6i.large']]);
  });
});

describe('hasBlocksOfTypes', () => {
  it('a site without such blocks needs no knowledge of the fleet', () => {
    expect(hasBlocksOfTypes(site())).toBe(false);
    expect(hasBlocksOfTypes({ ...site(), closed })).toBe(true);
  });
});
