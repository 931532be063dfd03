import { expect, it } from 'vitest';
import { fleetSchema, instanceSchema } from '../../../functions/model/fleet.ts';
import {
  type FleetRequest,
  fleetOfOne,
  fleetRequestSchema,
  type InstanceRequest,
  instanceRequestSchema,
  nodeGroupRequestSchema,
} from '../../../functions/model/fleet-request.ts';

const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl someone';
const fieldsOf = ({ shape }: { shape: object }): string[] => Object.keys(shape);
const without = (fields: readonly string[], others: readonly string[]): string[] =>
  fields.filter((field) => !others.includes(field)).sort();

it('a fleet’s response has all fields of its request, except for `hold`, `nodeGroups` and `priority`', () => {
  // The response shows node groups as counts by location, and a hold as its end time. It does not show the priority.
  const others: (keyof FleetRequest)[] = ['hold', 'nodeGroups', 'priority'];
  expect(without(fieldsOf(fleetRequestSchema), fieldsOf(fleetSchema))).toEqual(others);
});

it('an instance’s response has all fields of its node group’s request, except for those in this list', () => {
  // The response shows the `name` of the node group as `nodeGroup`, and one of the `locations` as `location`. Its `name` is
  // that of the machine.
  expect(without(fieldsOf(nodeGroupRequestSchema), fieldsOf(instanceSchema))).toEqual([
    'dataDisks',
    'identity',
    'ingress',
    'instanceTimeoutSeconds',
    'instanceTypes',
    'locations',
    'markets',
    'maxOnDemandPercent',
    'maxUsdPerHour',
    'metadataOptions',
    'minimumInstances',
    'placementGroup',
    'reservationId',
    'rootDisk',
    'rootDiskGb',
    'size',
    'ssh',
    'tags',
    'userData',
    'zones',
  ]);
});

/** Fields that a request has instead of an older field. */
const SUCCESSORS = { zones: ['eu-west-1a'], instanceTypes: ['m5.large', 'm4.large'] };

it('fleetOfOne passes each field of an instance’s request to the fleet’s request', () => {
  const request: Required<Omit<InstanceRequest, keyof typeof SUCCESSORS>> = {
    name: 'build-1',
    description: 'builds',
    location: 'eu-west-1',
    network: { mode: 'dedicated' },
    connection: 'main',
    zone: 'eu-west-1a',
    instanceType: 'm5.large',
    markets: ['reserved', 'spot', 'on-demand'],
    reservationId: 'cr-1',
    maxUsdPerHour: 0.2,
    maxOnDemandPercent: 0,
    image: 'debian-12',
    rootDiskGb: 20,
    rootDisk: { sizeGb: 20, type: 'gp3' },
    dataDisks: [{ sizeGb: 100, deleteOnTermination: false }],
    labels: { team: 'build' },
    tags: { 'cost-center': 'a1' },
    userData: '#!/bin/sh',
    identity: 'web-profile',
    placementGroup: 'apart',
    metadataOptions: { hopLimit: 2 },
    instanceTimeoutSeconds: 600,
    ssh: { allowFrom: '203.0.113.0/24', publicKeys: [ED25519] },
    publicIp: false,
    ingress: [{ protocol: 'tcp', ports: [443, '8000-8100'], from: ['0.0.0.0/0', 'group:build-1'] }],
  };
  expect(Object.keys({ ...request, ...SUCCESSORS }).sort()).toEqual(fieldsOf(instanceRequestSchema).sort());
  // A request may have only one of these fields.
  for (const older of ['rootDiskGb', 'rootDisk'] as const) {
    const { [older]: _, ...single } = request;
    const { description, location, network, ...group } = single;
    const fleet = fleetRequestSchema.parse(fleetOfOne(single));
    expect(fleet).toEqual({
      name: request.name,
      description,
      network,
      failurePolicy: 'continue',
      nodeGroups: [{ ...group, size: 1, locations: [location] }],
    });
  }
  const { zone: _zone, instanceType: _type, ...others } = request;
  const [renewed] = fleetOfOne({ ...others, ...SUCCESSORS }).nodeGroups;
  expect(renewed).toMatchObject(SUCCESSORS);
});
