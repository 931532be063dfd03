import { describe, expect, it } from 'vitest';
import type { CloudVolume } from '../../../../functions/drivers/contract/capabilities.ts';
import { fateOf, isKept, type VolumeTerms } from '../../../../functions/features/volumes/volume-fate.ts';
import { CLOCK_SKEW_MS } from '../../../../functions/model/clock-skew.ts';
import { record } from '../../../samples/records.ts';

const DAY_MS = 86_400_000;
const SENT_MS = 10 * DAY_MS;
const ACCEPTED_MS = SENT_MS + 5_000;
const TERMS: VolumeTerms = {
  capabilities: ['volumes'],
  longestCreateMs: 60_000,
  volumesOutliveMachines: false,
};
const DISKS = {
  dataDisks: [
    { sizeGb: 10, deleteOnTermination: true },
    { sizeGb: 20, deleteOnTermination: false },
  ],
};

const ran = record({
  status: 'Running',
  backendId: 'i-1',
  firstSentAtMs: SENT_MS,
  acceptedAtMs: ACCEPTED_MS,
  runningAt: new Date(ACCEPTED_MS + 20_000).toISOString(),
});
const volume = (fields: Partial<CloudVolume> = {}): CloudVolume => ({
  backendId: 'vol-1',
  instanceId: ran.instanceId,
  launchToken: ran.launchToken,
  disk: 1,
  sizeGb: 20,
  createdAtMs: SENT_MS + 1_000,
  ...fields,
});
const keeps = (fields: Partial<CloudVolume>, location = ran.location, from = ran) =>
  isKept({ volume: volume(fields), location }, from, DISKS, TERMS);

describe('isKept', () => {
  it('a disk that the request keeps is kept, if the launch that the record names made it', () => {
    expect(keeps({})).toBe(true);
    expect(keeps({ disk: 0 })).toBe(false);
    expect(keeps({ disk: 'root' })).toBe(false);
  });

  it('a disk that was made before the launch, or too long after it, is not kept: it is a copy', () => {
    expect(keeps({ createdAtMs: SENT_MS - CLOCK_SKEW_MS - 1 })).toBe(false);
    expect(keeps({ createdAtMs: ACCEPTED_MS + TERMS.longestCreateMs + CLOCK_SKEW_MS + 1 })).toBe(false);
    expect(keeps({ createdAtMs: SENT_MS - CLOCK_SKEW_MS })).toBe(true);
  });

  it('a disk is not kept without a proof that the launch made it', () => {
    const { createdAtMs: _, ...ageless } = volume();
    expect(isKept({ volume: ageless, location: ran.location }, ran, DISKS, TERMS)).toBe(false);
    expect(keeps({ launchToken: 'f0123456789abcdef-00000.2' })).toBe(false);
    expect(keeps({}, 'eu-west-1')).toBe(false);
  });

  it('a disk of a machine that never ran is not kept', () => {
    const { runningAt: _, ...failed } = ran;
    expect(keeps({}, ran.location, failed)).toBe(false);
  });
});

describe('fateOf', () => {
  it('when its machine is gone, a kept disk is kept, another disk is removed, and a copy is left', () => {
    expect(fateOf(volume(), ran, DISKS, TERMS)).toBe('keep');
    expect(fateOf(volume({ disk: 0 }), ran, DISKS, TERMS)).toBe('remove');
    expect(fateOf(volume({ createdAtMs: 0 }), ran, DISKS, TERMS)).toBe('leave');
    expect(fateOf(volume({ disk: 0, createdAtMs: 0 }), ran, DISKS, TERMS)).toBe('leave');
  });
});
