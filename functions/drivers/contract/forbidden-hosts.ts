import { BlockList, isIP } from 'node:net';

const METADATA_HOSTS = new Set(['metadata.google.internal', 'metadata', 'instance-data']);

/**
 * Addresses of metadata services, where machines read their own credentials. No cloud has its API at these addresses.
 */
const forbidden = new BlockList();
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addAddress('100.100.100.200', 'ipv4');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addAddress('fd00:ec2::254', 'ipv6');
// The IPv4 addresses above, in their NAT64 and 6to4 forms. `BlockList` itself handles IPv4-mapped IPv6 addresses.
forbidden.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
forbidden.addAddress('64:ff9b::6464:64c8', 'ipv6');
forbidden.addSubnet('2002:a9fe::', 32, 'ipv6');
forbidden.addAddress('2002:6464:64c8::', 'ipv6');

/**
 * Returns true if machines read their credentials from this host. @param hostname as `URL` writes it: IPv6 in brackets
 */
export function isForbiddenHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const version = isIP(host);
  return (
    METADATA_HOSTS.has(host.replace(/\.$/, '')) ||
    (version === 4 && forbidden.check(host, 'ipv4')) ||
    (version === 6 && forbidden.check(host, 'ipv6'))
  );
}
