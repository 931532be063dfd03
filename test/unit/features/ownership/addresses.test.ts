import { describe, expect, it } from 'vitest';
import type { CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import { addressChange } from '../../../../functions/features/ownership/addresses.ts';

const KNOWN = { publicIp: '192.0.2.7', privateIp: '10.0.0.7' };
const machine = (fields: Partial<CloudInstance>): CloudInstance => ({
  backendId: 'i-1',
  status: 'Running',
  ...fields,
});

describe('addressChange', () => {
  it('addresses that come late or change are taken', () => {
    expect(addressChange({}, machine(KNOWN))).toEqual({ fields: KNOWN, clears: [] });
    expect(addressChange(KNOWN, machine({ ...KNOWN, publicIp: '192.0.2.8' }))).toEqual({
      fields: { publicIp: '192.0.2.8' },
      clears: [],
    });
    expect(addressChange(KNOWN, machine(KNOWN))).toEqual({ fields: {}, clears: [] });
  });

  it('a stopped machine has no public address, even if the cloud still reports one', () => {
    const stopped = machine({ ...KNOWN, status: 'Suspended' });
    expect(addressChange(KNOWN, stopped)).toEqual({ fields: {}, clears: ['publicIp'] });
    expect(addressChange({ privateIp: KNOWN.privateIp }, stopped)).toEqual({ fields: {}, clears: [] });
  });

  it('the private address of a stopped machine stays only while the cloud reports it', () => {
    const bare = machine({ status: 'Suspended' });
    expect(addressChange(KNOWN, bare)).toEqual({ fields: {}, clears: ['publicIp', 'privateIp'] });
  });

  it('a running machine loses its public address only if the cloud reports the private one alone', () => {
    expect(addressChange(KNOWN, machine({ privateIp: KNOWN.privateIp }))).toEqual({
      fields: {},
      clears: ['publicIp'],
    });
    expect(addressChange(KNOWN, machine({}))).toEqual({ fields: {}, clears: [] });
    expect(addressChange(KNOWN, machine({ publicIp: KNOWN.publicIp }))).toEqual({ fields: {}, clears: [] });
  });

  it('an IPv6 address is taken, stays while the machine is stopped, and goes when the cloud reports the others alone', () => {
    const ipv6 = '2001:db8::7';
    const known = { ...KNOWN, ipv6 };
    expect(addressChange(KNOWN, machine(known))).toEqual({ fields: { ipv6 }, clears: [] });
    expect(addressChange(known, machine({ ...known, status: 'Suspended' }))).toEqual({
      fields: {},
      clears: ['publicIp'],
    });
    expect(addressChange(known, machine(KNOWN))).toEqual({ fields: {}, clears: ['ipv6'] });
    expect(addressChange(known, machine({}))).toEqual({ fields: {}, clears: [] });
  });

  it('a machine in another status keeps the addresses that the cloud does not mention', () => {
    expect(addressChange(KNOWN, machine({ status: 'Rebooting' }))).toEqual({ fields: {}, clears: [] });
  });
});
