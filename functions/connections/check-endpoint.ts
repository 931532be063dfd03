import { BlockList, isIP } from 'node:net';

const METADATA_HOSTS = new Set(['metadata.google.internal', 'metadata', 'instance-data']);

/** Addresses by which machines learn their own credentials: never a cloud's endpoint. */
const forbidden = new BlockList();
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addAddress('100.100.100.200', 'ipv4');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addAddress('fd00:ec2::254', 'ipv6');

/** @returns why an endpoint may not be used; undefined when it may */
export function endpointError(
  endpoint: string,
  allowed: boolean,
): { code: string; message: string } | undefined {
  if (!allowed) {
    return {
      code: 'endpoint-not-allowed',
      message: "this deployment does not let connections override their cloud's endpoint",
    };
  }
  const host = new URL(endpoint).hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const version = isIP(host);
  const isForbidden =
    METADATA_HOSTS.has(host.replace(/\.$/, '')) ||
    (version === 4 && forbidden.check(host, 'ipv4')) ||
    (version === 6 && forbidden.check(host, 'ipv6'));
  return isForbidden
    ? { code: 'endpoint-forbidden', message: 'is a link-local or metadata address' }
    : undefined;
}
