import type { Quota } from '../../model/quota.ts';

/** The services under whose names Service Quotas lists the quotas of machines. */
export const QUOTA_SERVICES = ['ec2', 'vpc', 'ebs'] as const;

/** What a quota counts, in the units of the driver contract. */
export type KnownQuota = Pick<Quota, 'unit' | 'instanceClass' | 'market' | 'diskType'> & {
  /** The factor from the figures of Service Quotas to the unit. Absent: 1. */
  factor?: number;
};

const GB_PER_TIB = 1_024;
const onDemand = (instanceClass: string): KnownQuota => ({
  unit: 'vcpus',
  instanceClass,
  market: 'on-demand',
});
const spot = (instanceClass: string): KnownQuota => ({ unit: 'vcpus', instanceClass, market: 'spot' });
const storage = (diskType: string): KnownQuota => ({ unit: 'volumeGb', diskType, factor: GB_PER_TIB });

/**
 * The quotas of a region that launches and their networks can exceed, by the code of Service Quotas. The classes are
 * those of the driver's `quotaClasses`. Source: the list that `ListAWSDefaultServiceQuotas` returns, as generated into
 * gruntwork-io/terraform-aws-utilities (modules/request-quota-increase/variables.tf).
 */
export const KNOWN_QUOTAS: ReadonlyMap<string, KnownQuota> = new Map([
  ['L-1216C47A', onDemand('Standard')],
  ['L-DB2E81BA', onDemand('G and VT')],
  ['L-417A185B', onDemand('P')],
  ['L-7295265B', onDemand('X')],
  ['L-74FC7D96', onDemand('F')],
  ['L-1945791B', onDemand('Inf')],
  ['L-2C3B7624', onDemand('Trn')],
  ['L-6E869C2A', onDemand('DL')],
  ['L-F7808C92', onDemand('HPC')],
  ['L-43DA4232', onDemand('High Memory')],
  ['L-34B43A08', spot('Standard')],
  ['L-3819A6DF', spot('G and VT')],
  // Spot machines of the class P have two quotas. No instance type has these classes, so that they are only shown.
  ['L-7212CCBC', spot('P2, P3 and P4')],
  ['L-C4BD4855', spot('P5')],
  ['L-E3A00192', spot('X')],
  ['L-88CF9481', spot('F')],
  ['L-B5D1601B', spot('Inf')],
  ['L-6B0D517C', spot('Trn')],
  ['L-85EED4F7', spot('DL')],
  // Burst and rate of RunInstances calls; see `unitOf`. Source: a third party's measurements of 2026-08-25.
  ['L-8EEB235C', { unit: 'createCallsAtOnce' }],
  ['L-A2D70E6C', { unit: 'createCallsPerSecond' }],
  // Addresses that EC2 gives to machines by itself do not count.
  ['L-0263D0A3', { unit: 'publicIps' }],
  ['L-DF5E4CA3', { unit: 'networkInterfaces' }],
  ['L-F678F1CE', { unit: 'networks' }],
  ['L-A4707A72', { unit: 'gateways' }],
  ['L-E79EC296', { unit: 'securityGroups' }],
  ['L-7A658B76', storage('gp3')],
  ['L-D18FCD1D', storage('gp2')],
  ['L-09BD8365', storage('io2')],
  ['L-FD252861', storage('io1')],
  ['L-82ACEF56', storage('st1')],
  ['L-17AF77E8', storage('sc1')],
  ['L-9CF3C2EB', storage('standard')],
]);

/**
 * Returns what a quota counts. The name of a rate of calls says whether it is a burst ("maximum capacity") or a rate
 * ("refill rate"). It wins over the code, because AWS publishes no list of these codes.
 */
export function unitOf({ unit }: KnownQuota, name: string): KnownQuota['unit'] {
  if (unit !== 'createCallsAtOnce' && unit !== 'createCallsPerSecond') return unit;
  if (/refill/i.test(name)) return 'createCallsPerSecond';
  return /capacity/i.test(name) ? 'createCallsAtOnce' : unit;
}
