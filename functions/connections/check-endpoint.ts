import { BlockList, isIP } from 'node:net';

const METADATA_HOSTS = new Set(['metadata.google.internal', 'metadata', 'instance-data']);

/** Addresses by which machines learn their own credentials: never a cloud's endpoint. */
const forbidden = new BlockList();
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addAddress('100.100.100.200', 'ipv4');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addAddress('fd00:ec2::254', 'ipv6');

/**
 * @param need of the driver: whether its cloud has an address of its own
 * @param overridesAllowed of the deployment; where it is not, an endpoint that is needed has to be https
 * @returns why an endpoint may not be used; undefined when it may
 */
export function endpointError(
  endpoint: string,
  need: 'own' | 'required' | undefined,
  overridesAllowed: boolean,
): { code: string; message: string } | undefined {
  const url = new URL(endpoint);
  if (!overridesAllowed && need !== 'required') {
    return {
      code: 'endpoint-not-allowed',
      message: "this deployment does not let connections override their cloud's endpoint",
    };
  }
  if (!overridesAllowed && url.protocol !== 'https:') {
    return { code: 'endpoint-not-https', message: 'must be an https address in this deployment' };
  }
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const version = isIP(host);
  const isForbidden =
    METADATA_HOSTS.has(host.replace(/\.$/, '')) ||
    (version === 4 && forbidden.check(host, 'ipv4')) ||
    (version === 6 && forbidden.check(host, 'ipv6'));
  return isForbidden
    ? { code: 'endpoint-forbidden', message: 'is a link-local or metadata address' }
    : undefined;
}
