import { describe, expect, it } from 'vitest';
import type { CloudVolume } from '../../../../functions/drivers/contract/capabilities.ts';
import { classifyVolume } from '../../../../functions/features/sweeps/classify-volume.ts';
import { record } from '../../../samples/records.ts';

const DAY_MS = 86_400_000;
const SENT_MS = 10 * DAY_MS;
const SITE = { location: 'us-east-1', terms: { longestCreateMs: 60_000 } };
const GROUP = {
  dataDisks: [
    { sizeGb: 10, deleteOnTermination: true },
    { sizeGb: 20, deleteOnTermination: false },
  ],
};

const running = record({
  status: 'Running',
  backendId: 'i-1',
  firstSentAtMs: SENT_MS,
  acceptedAtMs: SENT_MS + 5_000,
  runningAt: new Date(SENT_MS + 20_000).toISOString(),
});
const closed = record({ ...running, status: 'Terminated' });
const volume = (fields: Partial<CloudVolume> = {}): CloudVolume => ({
  backendId: 'vol-1',
  instanceId: running.instanceId,
  launchToken: running.launchToken,
  disk: 0,
  sizeGb: 10,
  createdAtMs: SENT_MS + 1_000,
  ...fields,
});
const judge = (fields: Partial<CloudVolume>, from = running) =>
  classifyVolume(volume(fields), { record: from, group: GROUP }, SITE);

describe('classifyVolume', () => {
  it('a disk that is kept on purpose gets a record, also while its machine uses it', () => {
    expect(judge({ disk: 1, sizeGb: 20, attachedTo: 'i-1' })).toBe('keep');
    expect(judge({ disk: 1, sizeGb: 20 }, closed)).toBe('keep');
  });

  it('a copy of a kept disk gets no record', () => {
    expect(judge({ disk: 1, sizeGb: 20, createdAtMs: 0 })).toEqual({ claimed: false, reason: 'copy' });
    expect(judge({ disk: 1, sizeGb: 20, createdAtMs: 0 }, closed)).toEqual({
      claimed: false,
      reason: 'copy',
    });
  });

  it('an open launch claims its volumes without a machine, and no copy of them', () => {
    expect(judge({})).toEqual({ claimed: true });
    expect(judge({ createdAtMs: 0 })).toEqual({ claimed: false, reason: 'copy' });
  });

  it('an open launch claims a volume of which the cloud tells no creation time', () => {
    const { createdAtMs: _, ...ageless } = volume();
    expect(classifyVolume(ageless, { record: running, group: GROUP }, SITE)).toEqual({ claimed: true });
  });

  it('a volume that a machine uses is left to the machine, also a copy', () => {
    expect(judge({ createdAtMs: 0, attachedTo: 'i-2' })).toEqual({ claimed: true });
  });

  it('a closed launch claims no volume without a machine', () => {
    expect(judge({}, closed)).toEqual({ claimed: false, reason: 'record-closed' });
    expect(classifyVolume(volume(), undefined, SITE)).toEqual({ claimed: false, reason: 'no-record' });
  });
});
