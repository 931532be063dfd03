import { describe, expect, it } from 'vitest';
import { awsMetadata } from '../../../../functions/drivers/aws/metadata.ts';
import { cbSpiderMetadata } from '../../../../functions/drivers/cb-spider/metadata.ts';
import { openstackMetadata } from '../../../../functions/drivers/openstack/metadata.ts';
import { simMetadata } from '../../../../functions/drivers/sim/metadata.ts';
import { checkOptions } from '../../../../functions/features/fleets/check-options.ts';
import { machineTags } from '../../../../functions/model/labels.ts';

const GROUP = '/nodeGroups/0';
const ALL = {
  tags: { team: 'a' },
  userData: '#!/bin/sh',
  identity: 'web',
  placementGroup: 'apart',
  metadataOptions: { hopLimit: 2 },
};
type Driver = Parameters<typeof checkOptions>[2];
const told = (options: Parameters<typeof checkOptions>[1], driver: Driver) =>
  checkOptions(GROUP, options, driver).map(({ pointer, code }) => `${pointer} ${code}`);
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']));

describe('checkOptions', () => {
  it.each([awsMetadata, simMetadata])('$title has every option', (driver) => {
    expect(told(ALL, driver)).toEqual([]);
  });

  it('an option that the driver does not have is refused at its field', () => {
    expect(told(ALL, openstackMetadata)).toEqual([
      `${GROUP}/identity unsupported`,
      `${GROUP}/metadataOptions unsupported`,
    ]);
    expect(told(ALL, cbSpiderMetadata)).toEqual([
      `${GROUP}/tags unsupported`,
      `${GROUP}/userData unsupported`,
      `${GROUP}/identity unsupported`,
      `${GROUP}/placementGroup unsupported`,
      `${GROUP}/metadataOptions unsupported`,
    ]);
  });

  it('labels are accepted by a driver whose clouds keep no tags', () => {
    expect(told({ labels: { Name: 'x' }, fleetLabels: { a: 'b' } }, cbSpiderMetadata)).toEqual([]);
  });

  it('reserved keys of the cloud are refused in tags and in labels', () => {
    expect(
      told({ tags: { 'aws:x': '', 'AWS:y': '', 'fleetwright:z': '', Name: '', name: '' } }, awsMetadata),
    ).toEqual([
      `${GROUP}/tags/aws:x reserved`,
      `${GROUP}/tags/AWS:y reserved`,
      `${GROUP}/tags/fleetwright:z reserved`,
      `${GROUP}/tags/Name reserved`,
    ]);
    expect(told({ fleetLabels: { Name: 'x' }, labels: { Name: 'y' } }, awsMetadata)).toEqual([
      '/labels/Name reserved',
      `${GROUP}/labels/Name reserved`,
    ]);
    expect(told({ tags: { 'fleetwright:z': '', Name: '' } }, openstackMetadata)).toEqual([
      `${GROUP}/tags/fleetwright:z reserved`,
    ]);
  });

  it('a key or a value that the cloud does not accept is refused', () => {
    expect(told({ tags: { 'a:b': '' } }, openstackMetadata)).toEqual([`${GROUP}/tags/a:b invalid-format`]);
    expect(told({ tags: { 'a/b!': '' } }, awsMetadata)).toEqual([`${GROUP}/tags/a~1b! invalid-format`]);
    expect(told({ tags: { ['k'.repeat(129)]: '' } }, awsMetadata)).toEqual([
      `${GROUP}/tags/${'k'.repeat(129)} too-big`,
    ]);
  });

  it('labels and tags together may be as many as the cloud keeps', () => {
    const { most } = awsMetadata.tagRules;
    expect(told({ tags: many(most) }, awsMetadata)).toEqual([]);
    // A tag with the key of a label replaces the label.
    expect(told({ tags: many(most), labels: many(3) }, awsMetadata)).toEqual([]);
    expect(told({ tags: many(most), labels: { other: 'x' } }, awsMetadata)).toEqual([
      `${GROUP}/tags too-big`,
    ]);
    expect(told({ fleetLabels: { other: 'x' }, labels: many(most) }, awsMetadata)).toEqual([
      `${GROUP}/labels too-big`,
    ]);
  });
});

it('a label of the node group wins over one of the fleet, and a tag over both', () => {
  const fleetLabels = { team: 'fleet', cost: 'fleet', only: 'fleet' };
  const labels = { team: 'group', cost: 'group' };
  expect(machineTags({ fleetLabels, labels, tags: { cost: 'tag' } })).toEqual({
    team: 'group',
    cost: 'tag',
    only: 'fleet',
  });
});
