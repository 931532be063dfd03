import * as z from 'zod';

/**
 * What a quota counts. `family`: the machines of one family of instance types. `spot`: spot machines. `instances`,
 * `vcpus` and `memoryGb`: all machines; where the driver has classes of instance types (`quotaClasses`), `vcpus` counts
 * those of one class. `addresses`: public addresses, ports and network interfaces, of which each
 * machine needs one. `volumes`: the number or size of disks. `networks`: networks and what belongs to them, such as
 * routers, gateways, security groups and key pairs. `account`: everything of the account, for example its balance.
 */
export const quotaSubjectSchema = z.enum([
  'family',
  'spot',
  'instances',
  'vcpus',
  'memoryGb',
  'addresses',
  'networks',
  'volumes',
  'account',
]);
export type QuotaSubject = z.infer<typeof quotaSubjectSchema>;
