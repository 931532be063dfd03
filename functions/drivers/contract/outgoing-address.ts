import ipaddr from 'ipaddr.js';
import * as z from 'zod';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

/** What an operator allows in addition to public addresses, for private clouds. */
export interface AllowedAddresses {
  /** Address ranges. */
  ranges: readonly Range[];
  /** Names of hosts, in lower case. All addresses of these hosts are allowed. */
  hosts: readonly string[];
}

export const NO_ALLOWED_ADDRESSES: AllowedAddresses = { ranges: [], hosts: [] };

/** Name of the setting in the template, which errors tell the user. */
const SETTING = 'AllowedAddresses';
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62}\.?)*$/;

/** Reads a list such as `10.20.0.0/16,fd12::/48,keystone.example.internal`. A single address is a range of its own. */
export const allowedAddressesSchema = z.string().transform((text, context): AllowedAddresses => {
  const entries = text.split(',').flatMap((entry) => entry.trim().toLowerCase() || []);
  const ranges: Range[] = [];
  const hosts: string[] = [];
  for (const entry of entries) {
    const range = rangeOf(entry);
    if (range) ranges.push(range);
    else if (HOST_NAME.test(entry) && !/^[0-9.]+$/.test(entry)) hosts.push(entry.replace(/\.$/, ''));
    else context.addIssue({ code: 'custom', message: `${entry} is no CIDR, address or host name` });
  }
  return { ranges, hosts };
});

function rangeOf(entry: string): Range | undefined {
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(entry) || ipaddr.IPv6.isValidCIDR(entry))
    return ipaddr.parseCIDR(entry);
  const address = literalAddress(entry);
  return address && [address, address.toByteArray().length * 8];
}

/**
 * Addresses of metadata services, where machines read their own credentials, and of the platform of Azure. No cloud has
 * its API at these addresses, so that no setting allows them. Link-local addresses are refused in the same way.
 */
const METADATA: readonly Range[] = [
  '169.254.0.0/16',
  '100.100.100.200/32',
  '168.63.129.16/32',
  'fe80::/10',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
  'fd00:c1::a9fe:a9fe/128',
].map((cidr) => ipaddr.parseCIDR(cidr));
const METADATA_HOSTS = new Set(['metadata.google.internal', 'metadata', 'instance-data']);

/** The addresses that IANA has allocated for the global unicast of IPv6. */
const GLOBAL_IPV6: Range = ipaddr.parseCIDR('2000::/3');
/** Addresses that a NAT64 translates to IPv4 (RFC 6052). */
const NAT64: Range = ipaddr.parseCIDR('64:ff9b::/96');

/** An address or a host to which no request may be sent. */
export interface RefusedAddress {
  /** What kind of address it is, such as `private`. */
  kind: string;
  /** False if no setting can allow the address. */
  canBeAllowed: boolean;
}

/**
 * Checks an address to which a connection is about to be opened. The IPv4 address in an IPv4-mapped, NAT64 or 6to4 address counts, too.
 *
 * @param address an IPv4 or IPv6 address
 * @param host the host whose address it is
 * @returns undefined if the address is public, or allowed
 */
export function refusedAddress(
  address: string,
  host: string,
  { ranges, hosts }: AllowedAddresses,
): RefusedAddress | undefined {
  const outer = ipaddr.parse(address);
  const inner = embeddedIn(outer);
  const forms = inner ? [inner, outer] : [outer];
  if (forms.some((form) => METADATA.some((range) => isWithin(form, range))))
    return { kind: 'link-local or metadata', canBeAllowed: false };
  if (hosts.includes(hostOf(host)) || forms.some((form) => ranges.some((range) => isWithin(form, range))))
    return undefined;
  const kind = kindOf(outer);
  return kind === undefined ? undefined : { kind, canBeAllowed: true };
}

/**
 * Checks the host of a URL without a look-up of its name.
 *
 * @param hostname as `URL` writes it: IPv6 in brackets
 * @returns undefined if the host is a name, or an address that is public or allowed
 */
export function refusedHost(hostname: string, allowed: AllowedAddresses): RefusedAddress | undefined {
  const host = hostOf(hostname);
  if (METADATA_HOSTS.has(host)) return { kind: 'link-local or metadata', canBeAllowed: false };
  return literalAddress(host) === undefined ? undefined : refusedAddress(host, host, allowed);
}

/** Returns true if machines read their credentials from this host, or it is link-local. @param hostname as `URL` writes it */
export function isMetadataHost(hostname: string): boolean {
  return refusedHost(hostname, NO_ALLOWED_ADDRESSES)?.canBeAllowed === false;
}

/** Tells what was refused, and how it can be allowed. @param what what the address is for; the message begins with it */
export function refusalText(what: string, { kind, canBeAllowed }: RefusedAddress): string {
  const why = `${what} is a ${kind} address`;
  return canBeAllowed
    ? `${why}, to which no request is sent: if it is right, allow its range or host name with the deployment's parameter ${SETTING}`
    : `${why}, to which no request is sent`;
}

const hostOf = (hostname: string): string =>
  hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();

/** Returns the address that a text is. Undefined for a name. Refuses the forms `127.1` and `0x7f000001`, which are not normal. */
function literalAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return text.includes(':') && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined;
}

function isWithin(address: Address, range: Range): boolean {
  return address.kind() === range[0].kind() && address.match(range);
}

/** Returns the IPv4 address that an IPv6 address stands for. */
function embeddedIn(address: Address): ipaddr.IPv4 | undefined {
  if (!(address instanceof ipaddr.IPv6)) return undefined;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  const bytes = address.toByteArray();
  if (isWithin(address, NAT64)) return new ipaddr.IPv4(bytes.slice(12));
  return address.range() === '6to4' ? new ipaddr.IPv4(bytes.slice(2, 6)) : undefined;
}

/** Names in errors of what is not public. A range without an entry has the name of `ipaddr.js`. */
const KINDS: Readonly<Record<string, string>> = {
  carrierGradeNat: 'carrier-grade NAT',
  uniqueLocal: 'unique local',
  rfc6052: 'NAT64',
};

/** Returns the kind of an address that is not public; undefined if it is public. */
function kindOf(address: Address): string | undefined {
  const range = address.range();
  if (address instanceof ipaddr.IPv6) {
    // A NAT64 connects to the IPv4 address. 6to4 is not in use any more (RFC 7526).
    const inner = range === '6to4' ? undefined : embeddedIn(address);
    if (inner) return kindOf(inner);
    if (range === 'unicast') return isWithin(address, GLOBAL_IPV6) ? undefined : 'reserved';
  }
  return range === 'unicast' ? undefined : (KINDS[range] ?? range);
}
