import { meaning, quota, type WordRule } from './rule.ts';

/**
 * Words of Oracle Cloud, as its Go SDK prints them (`Error Code: …`). Texts: public issues jpetazzo/ampernetacle #54 and
 * lemoex/oci-help #11; Oracle's page "API errors".
 */
export const ORACLE: readonly WordRule[] = [
  meaning('Throttled', /Error Code: TooManyRequests/i),
  meaning('InsufficientCapacity', /Out of (host )?capacity|OutOfHostCapacity/i),
  quota('vcpus', /service limits were exceeded: .{0,200}core(-regional)?-count/i),
  quota('memoryGb', /service limits were exceeded: .{0,200}memory(-regional)?-count/i),
  quota('networks', /service limits were exceeded: .{0,200}(vcn|subnet|gateway|security-list)-count/i),
  quota('addresses', /service limits were exceeded: .{0,200}(reserved|ephemeral)-public-ip-count/i),
  quota('volumes', /service limits were exceeded: .{0,200}(storage-gb|volume-count)/i),
  quota('family', /service limits were exceeded|Error Code: (LimitExceeded|QuotaExceeded)\b/i),
];
