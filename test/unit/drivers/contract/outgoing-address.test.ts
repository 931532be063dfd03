import { expect, test } from 'vitest';
import {
  allowedAddressesSchema,
  NO_ALLOWED_ADDRESSES,
  refusedAddress,
  refusedHost,
} from '../../../../functions/drivers/contract/outgoing-address.ts';

test.each([
  ['8.8.8.8', undefined],
  ['2606:4700::1111', undefined],
  ['64:ff9b::808:808', undefined],
  ['::ffff:8.8.8.8', undefined],
  ['127.0.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['10.1.2.3', 'private'],
  ['172.31.0.1', 'private'],
  ['192.168.1.1', 'private'],
  ['fd12:3456::1', 'unique local'],
  ['100.64.0.1', 'carrier-grade NAT'],
  ['64:ff9b::a01:203', 'private'],
  ['64:ff9b:1::a01:203', 'NAT64'],
  ['2002:808:808::1', '6to4'],
  ['2001::1', 'teredo'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['::7f00:1', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['224.0.0.1', 'multicast'],
  ['ff02::1', 'multicast'],
  ['4000::1', 'reserved'],
])('the address %s is refused as %s', (address, kind) => {
  expect(refusedAddress(address, 'cloud.example', NO_ALLOWED_ADDRESSES)?.kind).toBe(kind);
});

test.each([
  '169.254.169.254',
  '169.254.170.2',
  '100.100.100.200',
  '168.63.129.16',
  'fe80::1',
  'fd00:ec2::254',
  'fd20:ce::254',
  '::ffff:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
])('the metadata or link-local address %s is refused even if everything is allowed', (address) => {
  const everything = allowedAddressesSchema.parse('0.0.0.0/0,::/0,cloud.example');
  expect(refusedAddress(address, 'cloud.example', everything)?.canBeAllowed).toBe(false);
});

test('ranges, single addresses and hosts of the list are allowed, and nothing else', () => {
  const allowed = allowedAddressesSchema.parse(
    ' 10.20.0.0/16, fd12::/48,192.168.7.7,Keystone.Example.internal. ',
  );
  const isRefused = (address: string, host = 'cloud.example') =>
    refusedAddress(address, host, allowed) !== undefined;
  expect(
    ['10.20.255.1', 'fd12::5', '192.168.7.7', '::ffff:10.20.0.1'].filter((one) => isRefused(one)),
  ).toEqual([]);
  expect(['10.21.0.1', 'fd13::5', '192.168.7.8'].filter((one) => !isRefused(one))).toEqual([]);
  expect(isRefused('127.0.0.1', 'keystone.example.internal')).toBe(false);
  expect(isRefused('127.0.0.1', 'KEYSTONE.example.internal.')).toBe(false);
  expect(isRefused('127.0.0.1', 'sub.keystone.example.internal')).toBe(true);
});

test.each(['10.0.0.0/33', '10.0.0', '300.1.1.1', 'a b', '*.example.com', 'http://x'])(
  'the list entry %j is refused by its name',
  (entry) => {
    const { error } = allowedAddressesSchema.safeParse(`10.0.0.0/8,${entry}`);
    expect(error?.issues.map(({ message }) => message)).toEqual([
      `${entry} is no CIDR, address or host name`,
    ]);
  },
);

test('a host of a URL is refused if it is a refused address, and a name only if it is that of a metadata service', () => {
  const kindOf = (url: string) => refusedHost(new URL(url).hostname, NO_ALLOWED_ADDRESSES)?.kind;
  expect(kindOf('http://0x7f.1')).toBe('loopback');
  expect(kindOf('http://2852039166')).toBe('link-local or metadata');
  expect(kindOf('http://[::1]:80')).toBe('loopback');
  expect(kindOf('http://metadata.google.internal.')).toBe('link-local or metadata');
  expect(kindOf('http://localhost')).toBeUndefined();
});
