import { expect, it } from 'vitest';
import { sshUserOf } from '../../../functions/model/ssh-user.ts';

it.each([
  ['aws', 'ubuntu-24.04', 'ubuntu'],
  ['aws', 'debian-12-arm64', 'admin'],
  ['aws', 'al2023', 'ec2-user'],
  ['aws', 'al2023-arm64', 'ec2-user'],
  ['openstack', 'debian-13', 'debian'],
  ['openstack', 'rocky-9', 'rocky'],
] as const)('at %s, the user of %s is %s', (cloud, image, user) => {
  expect(sshUserOf(cloud, image)).toBe(user);
});

it.each([
  ['aws', 'ami-0123456789abcdef0'],
  ['aws', 'ubuntu-24.04-with-our-tools'],
  ['aws', 'rocky-9'],
  ['openstack', 'al2023'],
  ['gcp', 'ubuntu-24.04'],
  ['aws', 'constructor'],
] as const)('at %s, the user of %s is not known', (cloud, image) => {
  expect(sshUserOf(cloud, image)).toBeUndefined();
});
