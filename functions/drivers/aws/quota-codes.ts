import type { QuotaSubject } from '../../model/quota-subject.ts';
import { figureOf, type RefusedQuota } from '../contract/quota.ts';

/**
 * What EC2's quota codes are about. Source: "Error codes for the Amazon EC2 API", and the names of EC2's, VPC's and
 * EBS's quotas in Service Quotas.
 */
const SUBJECTS: ReadonlyMap<string, QuotaSubject> = new Map([
  ['VcpuLimitExceeded', 'vcpus'],
  // Before EC2 counted vCPUs, its quotas were by instance type.
  ['InstanceLimitExceeded', 'family'],
  ['MaxSpotInstanceCountExceeded', 'spot'],
  ['AddressLimitExceeded', 'addresses'],
  ['NetworkInterfaceLimitExceeded', 'addresses'],
  ['VolumeLimitExceeded', 'volumes'],
  ['MaxIOPSLimitExceeded', 'volumes'],
  ['InternetGatewayLimitExceeded', 'networks'],
  ['KeyPairLimitExceeded', 'networks'],
  ['LaunchTemplateLimitExceeded', 'networks'],
  ['RouteTableLimitExceeded', 'networks'],
  ['SecurityGroupLimitExceeded', 'networks'],
  ['SubnetLimitExceeded', 'networks'],
  ['VpcLimitExceeded', 'networks'],
]);

/** The figures in EC2's words, for example "your current vCPU limit of 32 allows". */
const LIMIT = /\b(?:vCPU|instance) limit of (?<limit>[0-9,]+)/i;

/** Returns what a quota code of EC2 is about; undefined if the code does not tell. */
export function quotaOf(code: string, message: string): RefusedQuota | undefined {
  const of = SUBJECTS.get(code);
  if (of === undefined) return undefined;
  const limit = figureOf(LIMIT.exec(message)?.groups?.['limit']);
  return { of, ...(limit === undefined || of !== 'vcpus' ? {} : { limit }) };
}

/**
 * Returns true if a code that names a limit concerns only the refused request: a limit of one resource, such as the
 * rules of one security group, or a limit that this driver does not know.
 */
export function isOfOneRequest(code: string): boolean {
  return /(Limit|Count)Exceeded$/.test(code) && code !== 'RequestLimitExceeded' && !SUBJECTS.has(code);
}
