import { expect, it } from 'vitest';
import { canonicalCidr, isEverywhere } from '../../../functions/model/cidr.ts';
import { groupOfSource, ingressEntrySchema, portRangeOf } from '../../../functions/model/ingress.ts';

const issuesOf = (entry: unknown) =>
  ingressEntrySchema.safeParse(entry).error?.issues.map(({ path }) => path.join('/'));

it('ports and ranges of ports, ranges of addresses and node groups are accepted', () => {
  const entry = {
    protocol: 'tcp',
    ports: [1, 443, '8000-8100', '65535', '80-80'],
    from: ['203.0.113.0/24', '0.0.0.0/0', '2001:db8::/32', '::/0', 'group:web', 'group:data-base'],
  };
  expect(issuesOf(entry)).toBeUndefined();
  expect(issuesOf({ protocol: 'icmp', from: ['10.0.0.0/8'] })).toBeUndefined();
});

it.each([
  ['a port of 0', { ports: [0] }, ['ports/0']],
  ['a port above 65,535', { ports: [65_536] }, ['ports/0']],
  ['half a port', { ports: [80.5] }, ['ports/0']],
  ['a range that runs backwards', { ports: ['90-80'] }, ['ports/0']],
  ['a range that begins at 0', { ports: ['0-80'] }, ['ports/0']],
  ['a range beyond 65,535', { ports: ['1-70000'] }, ['ports/0']],
  ['a port in words', { ports: [443, 'https'] }, ['ports/1']],
  ['no port', { ports: [] }, ['ports']],
  ['no list of ports', { ports: undefined }, ['ports']],
  ['ports of ICMP', { protocol: 'icmp' }, ['ports']],
  ['another protocol', { protocol: 'gre' }, ['protocol']],
  ['no source', { from: [] }, ['from']],
  ['an address without a prefix', { from: ['10.0.0.0/8', '203.0.113.7'] }, ['from/1']],
  ['a node group without a name', { from: ['group:'] }, ['from/0']],
  ['a node group with capital letters', { from: ['group:Web'] }, ['from/0']],
  ['an unknown field', { to: '10.0.0.0/8' }, ['']],
])('an entry with %s is refused with the field', (_, over, expected) => {
  expect(issuesOf({ protocol: 'tcp', ports: [443], from: ['10.0.0.0/8'], ...over })).toEqual(expected);
});

it('a wrong port or source is refused with the forms that are right', () => {
  const wordsFor = (over: object) =>
    ingressEntrySchema
      .safeParse({ protocol: 'tcp', ports: [443], from: ['10.0.0.0/8'], ...over })
      .error?.issues.map(({ message }) => message);
  for (const port of ['0-70000', '80-', null])
    expect(wordsFor({ ports: [port] })).toEqual([expect.stringContaining('a range such as 8000-8100')]);
  for (const source of ['10.0.0.1', 'group:Web', 7])
    expect(wordsFor({ from: [source] })).toEqual([expect.stringContaining('must be a CIDR')]);
});

it('a port is a range of one port', () => {
  expect(portRangeOf(443)).toEqual({ first: 443, last: 443 });
  expect(portRangeOf('8000-8100')).toEqual({ first: 8_000, last: 8_100 });
  expect(portRangeOf('8000-')).toBeUndefined();
});

it('the name of a node group is read from its source, and no address is a node group', () => {
  expect(groupOfSource('group:web')).toBe('web');
  expect(groupOfSource('2001:db8::/32')).toBeUndefined();
});

it.each([
  ['203.0.113.7/24', '203.0.113.0/24'],
  ['255.255.255.255/31', '255.255.255.254/31'],
  ['10.1.2.3/0', '0.0.0.0/0'],
  ['10.1.2.3/32', '10.1.2.3/32'],
  ['2001:DB8:0:0:0:0:0:1/32', '2001:db8::/32'],
  ['2001:db8:abcd:ffff::1/52', '2001:db8:abcd:f000::/52'],
  ['::1/128', '::1/128'],
  ['::/0', '::/0'],
  ['fe80::1/10', 'fe80::/10'],
  ['1:2:3:4:5:6:7:8/127', '1:2:3:4:5:6:7:8/127'],
])('%s has the canonical form %s, which is its own canonical form', (cidr, canonical) => {
  expect(canonicalCidr(cidr)).toBe(canonical);
  expect(canonicalCidr(canonical)).toBe(canonical);
});

it('only a range with prefix 0 contains every address', () => {
  expect(['0.0.0.0/0', '::/0', '10.0.0.0/8', '0.0.0.0/10'].map(isEverywhere)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
