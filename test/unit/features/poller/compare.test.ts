import { describe, expect, it } from 'vitest';
import type { CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import { agrees, compare, machineOf, machinesById } from '../../../../functions/features/poller/compare.ts';
import { record } from '../../../samples/records.ts';

const WINDOW_MS = 5_000;
const LATE_MS = 60_000;

function machine(fields: Partial<CloudInstance> = {}): CloudInstance {
  return { backendId: 'i-1', instanceId: 'f0123456789abcdef-00000', status: 'Running', ...fields };
}

describe('compare', () => {
  const accepted = record({ backendId: 'i-1' });

  it('a record becomes Running when its machine runs, and does not change while the machine boots', () => {
    const finding = compare(accepted, machine({ publicIp: '192.0.2.7' }), LATE_MS, WINDOW_MS);
    expect(finding).toMatchObject({ action: 'change', to: 'Running', fields: { publicIp: '192.0.2.7' } });
    expect(compare(accepted, machine({ status: 'Creating' }), LATE_MS, WINDOW_MS)).toEqual({
      action: 'none',
    });
  });

  it('a machine is adopted when the answer to its create call was lost', () => {
    const unknown = record({ launchState: 'unknown', unknownSinceMs: 0 });
    expect(compare(unknown, machine(), LATE_MS, WINDOW_MS)).toMatchObject({ action: 'adopt' });
  });

  it('a machine that failed is removed, and its record becomes Failed once the machine is gone', () => {
    const failed = compare(
      accepted,
      machine({ status: 'Failed', failureMessage: 'no host' }),
      LATE_MS,
      WINDOW_MS,
    );
    expect(failed).toMatchObject({ to: 'Terminating', fields: { closeAs: 'Failed' } });
    const going = record({ backendId: 'i-1', status: 'Terminating', closeAs: 'Failed' });
    expect(compare(going, machine({ status: 'Failed' }), LATE_MS, WINDOW_MS)).toMatchObject({
      action: 'terminate',
    });
    expect(compare(going, undefined, LATE_MS, WINDOW_MS)).toMatchObject({ to: 'Failed' });
  });

  it('an instance that still boots times out at its deadline, and not before', () => {
    const booting = machine({ status: 'Creating' });
    expect(compare(accepted, booting, 1_199_999, WINDOW_MS)).toEqual({ action: 'none' });
    expect(compare(accepted, booting, 1_200_000, WINDOW_MS)).toMatchObject({
      to: 'Terminating',
      fields: { failure: { code: 'Timeout' } },
    });
  });

  it('a missing machine counts as gone only if it was being removed and the consistency window is over', () => {
    const going = record({ backendId: 'i-1', status: 'Terminating' });
    expect(compare(going, undefined, WINDOW_MS - 1, WINDOW_MS)).toMatchObject({ isEarly: true });
    expect(compare(going, undefined, WINDOW_MS, WINDOW_MS)).toMatchObject({ to: 'Terminated' });
    const running = record({ backendId: 'i-1', status: 'Running' });
    expect(compare(running, undefined, LATE_MS, WINDOW_MS)).toEqual({ action: 'confirm', backendId: 'i-1' });
  });

  it('a missing machine does not count as gone while the list may be older than the machine', () => {
    const going = record({ backendId: 'i-1', status: 'Terminating', acceptedAtMs: LATE_MS });
    expect(compare(going, undefined, LATE_MS + 1, WINDOW_MS)).toMatchObject({ isEarly: true });
    expect(compare(going, undefined, LATE_MS + WINDOW_MS, WINDOW_MS)).toMatchObject({ to: 'Terminated' });
  });

  it('a poll requests the removal of a machine until the cloud shows the machine as Terminating', () => {
    const going = record({ backendId: 'i-1', status: 'Terminating' });
    expect(compare(going, machine(), LATE_MS, WINDOW_MS)).toEqual({ action: 'terminate', backendId: 'i-1' });
    expect(compare(going, machine({ status: 'Terminating' }), LATE_MS, WINDOW_MS)).toEqual({
      action: 'none',
    });
  });

  it('within the consistency window, a missing machine is read by id if its id is known and the list should show it', () => {
    const windowMs = 60_000;
    const creating = record({ backendId: 'i-1', acceptedAtMs: 0 });
    const early = { action: 'confirm', backendId: 'i-1', isEarly: true };
    expect(compare(creating, undefined, 9_999, windowMs)).toEqual({ action: 'none' });
    expect(compare(creating, undefined, 10_000, windowMs)).toEqual(early);
    expect(compare({ ...creating, status: 'Running' }, undefined, 1, windowMs)).toEqual(early);
    expect(compare({ ...creating, status: 'Terminating' }, undefined, 1, windowMs)).toEqual(early);
    const { backendId: _, ...unbound } = creating;
    expect(compare(unbound, undefined, 10_000, windowMs)).toEqual({ action: 'none' });
  });

  it('an instance whose machine was stopped while it was being created is Suspended, and has run', () => {
    const stopped = machine({ status: 'Suspended', publicIp: '192.0.2.7', privateIp: '10.0.0.7' });
    const finding = compare(accepted, stopped, LATE_MS, WINDOW_MS);
    expect(finding).toEqual({
      action: 'change',
      to: 'Suspended',
      fields: { runningAt: new Date(LATE_MS).toISOString(), privateIp: '10.0.0.7' },
    });
  });

  it('a record follows the addresses and the type of its machine, even if the status stays', () => {
    const running = record({
      backendId: 'i-1',
      status: 'Running',
      publicIp: '192.0.2.7',
      privateIp: '10.0.0.7',
      instanceType: 'small',
    });
    const same = machine({ publicIp: '192.0.2.7', privateIp: '10.0.0.7', instanceType: 'small' });
    const seen = (fields: Partial<CloudInstance>) =>
      compare(running, machine({ ...same, ...fields }), LATE_MS, WINDOW_MS);
    expect(seen({})).toEqual({ action: 'none' });
    expect(seen({ publicIp: '192.0.2.8' })).toMatchObject({
      to: 'Running',
      fields: { publicIp: '192.0.2.8' },
    });
    expect(seen({ instanceType: 'large' })).toMatchObject({ fields: { instanceType: 'large' } });
    expect(seen({ status: 'Suspended' })).toMatchObject({ to: 'Suspended', clears: ['trouble', 'publicIp'] });
  });

  it('a machine that the cloud removes without a request makes its record Terminating with a reason', () => {
    const running = record({ backendId: 'i-1', status: 'Running' });
    const going = machine({ status: 'Terminating', failureMessage: 'spot interruption' });
    const failure = { code: 'Vanished', message: 'spot interruption' };
    const finding = compare(running, going, LATE_MS, WINDOW_MS);
    expect(finding).toMatchObject({ to: 'Terminating', fields: { failure } });
    expect(finding).not.toHaveProperty('fields.closeAs');
    const leaving = record({ backendId: 'i-1', status: 'Terminating', failure });
    expect(compare(leaving, going, LATE_MS, WINDOW_MS)).toEqual({ action: 'none' });
    expect(compare(leaving, undefined, LATE_MS, WINDOW_MS)).toMatchObject({ action: 'confirm' });
    expect(compare(leaving, machine(), LATE_MS, WINDOW_MS)).toMatchObject({
      to: 'Running',
      clears: ['failure', 'trouble'],
    });
    const asked = record({ ...leaving, closeAs: 'Terminated' });
    expect(compare(asked, machine(), LATE_MS, WINDOW_MS)).toMatchObject({ action: 'terminate' });
  });

  it('a reason that comes later replaces a failure without a reason, and no other failure', () => {
    const going = (message: string) =>
      record({
        backendId: 'i-1',
        status: 'Terminating',
        closeAs: 'Failed',
        failure: { code: 'CloudFailed', message },
      });
    const ended = machine({ status: 'Terminated', failureMessage: 'no key' });
    expect(
      compare(going('the cloud removed the machine before it ran'), ended, LATE_MS, WINDOW_MS),
    ).toMatchObject({ to: 'Failed', fields: { failure: { code: 'CloudFailed', message: 'no key' } } });
    expect(compare(going('no host'), ended, LATE_MS, WINDOW_MS)).not.toHaveProperty('fields.failure');
  });

  it.each(['Failed', 'Terminated'] as const)(
    'a machine that exceeded a quota (%s) fails its attempt with the code and the quota',
    (status) => {
      const creating = record({ backendId: 'i-1', status: 'Creating' });
      const beyond = machine({ status, failureCode: 'QuotaExceeded', failureMessage: 'no cores' });
      const failure = { code: 'QuotaExceeded', message: 'no cores' };
      const told = { ...beyond, failureQuota: { of: 'vcpus', limit: 20 } as const };
      expect(compare(creating, told, LATE_MS, WINDOW_MS)).toMatchObject({
        to: 'Terminating',
        fields: { closeAs: 'Failed', failure, exceededQuota: { of: 'vcpus', limit: 20 } },
      });
      expect(compare(creating, beyond, LATE_MS, WINDOW_MS)).toMatchObject({
        fields: { failure, exceededQuota: {} },
      });
      const scarce = machine({ status, failureCode: 'InsufficientCapacity' });
      expect(compare(creating, scarce, LATE_MS, WINDOW_MS)).not.toHaveProperty('fields.exceededQuota');
    },
  );

  it('a list without a reason does not remove the reason that a record has', () => {
    const trouble = { cloudStatus: 'ERROR', message: 'no host' };
    const broken = record({
      backendId: 'i-1',
      status: 'Undefined',
      runningAt: '2026-01-01T00:00:00Z',
      trouble,
    });
    const failed = machine({ status: 'Failed', cloudStatus: 'ERROR' });
    expect(compare(broken, failed, LATE_MS, WINDOW_MS)).toEqual({ action: 'none' });
    expect(compare(broken, { ...failed, failureMessage: 'disk' }, LATE_MS, WINDOW_MS)).toMatchObject({
      fields: { trouble: { message: 'disk' } },
    });
  });

  it('a record without a machine is not closed while a worker may still make the create call', () => {
    const going = record({ status: 'Terminating', launchState: 'claimed', claimUntilMs: 90_000 });
    expect(compare(going, undefined, 91_000, WINDOW_MS)).toEqual({ action: 'none' });
    expect(compare(going, undefined, 95_000, WINDOW_MS)).toMatchObject({ to: 'Terminated' });
  });
});

describe('matching', () => {
  const entry = {
    siteSk: 'f0123456789abcdef-00000',
    status: 'Running' as const,
    backendId: 'i-1',
    launchToken: 'f0123456789abcdef-00000.1',
  };

  it('a machine is matched to a record by instance id, or by backend id if the cloud shows no instance id', () => {
    const { instanceId: _, ...nameless } = machine();
    expect(machinesById([nameless], [entry]).get(entry.siteSk)).toEqual([nameless]);
    expect(machinesById([machine({ instanceId: 'other' })], [entry]).get('other')).toHaveLength(1);
  });

  it('a record that is bound to a machine matches no other machine', () => {
    const twin = machine({ backendId: 'i-2' });
    expect(machineOf(entry, [twin, machine()])?.backendId).toBe('i-1');
    expect(agrees(entry, machine())).toBe(true);
    expect(agrees(entry, twin)).toBe(false);
    expect(agrees(entry, undefined)).toBe(false);
  });
});
