/**
 * Returns the CIDR in the form in which clouds store it: the address without bits beyond the prefix, IPv6 in the short
 * form of RFC 5952. Two CIDRs with the same addresses have the same form.
 *
 * @param cidr a valid CIDR, such as 203.0.113.7/24
 */
export function canonicalCidr(cidr: string): string {
  const [address = '', bits = ''] = cidr.split('/');
  const prefix = Number(bits);
  return address.includes(':')
    ? `${maskedIpv6(address, prefix)}/${prefix}`
    : `${maskedIpv4(address, prefix)}/${prefix}`;
}

/** Returns true if the CIDR contains all addresses of its family. */
export const isEverywhere = (cidr: string): boolean => cidr.endsWith('/0');

function maskedIpv4(address: string, prefix: number): string {
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - prefix);
  const first = Math.floor(value / size) * size;
  return [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.');
}

function maskedIpv6(address: string, prefix: number): string {
  const [head = '', tail] = shortIpv6(address).split('::');
  const parts = (text: string) =>
    text === '' ? [] : text.split(':').map((part) => Number.parseInt(part, 16));
  const before = parts(head);
  const after = tail === undefined ? [] : parts(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  const masked = [...before, ...zeros, ...after].map((part, at) => {
    const kept = Math.min(16, Math.max(0, prefix - at * 16));
    const size = 2 ** (16 - kept);
    return Math.floor(part / size) * size;
  });
  return shortIpv6(masked.map((part) => part.toString(16)).join(':'));
}

/** Returns an IPv6 address in the short form. The parser of URLs applies the rules of RFC 5952. */
function shortIpv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
