import type { Instance } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { subnetCidrs } from '../../../../functions/drivers/aws/cidr.ts';
import { cloudInstance } from '../../../../functions/drivers/aws/instance-answers.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000);
const machine = (over: Partial<Instance>): Instance => ({ InstanceId: 'i-1', ...over });
const statusOf = (over: Partial<Instance>) => cloudInstance(machine(over), 'test').status;

describe('cloudInstance', () => {
  test.each([
    ['pending', 'Creating'],
    ['running', 'Running'],
    ['stopping', 'Suspending'],
    ['stopped', 'Suspended'],
    ['shutting-down', 'Terminating'],
    ['terminated', 'Terminated'],
  ] as const)('an EC2 instance in state %s has the status %s', (Name, status) => {
    expect(statusOf({ State: { Name } })).toBe(status);
  });

  test('an EC2 instance without a state, or with an unknown state, has the status Undefined', () => {
    expect(statusOf({})).toBe('Undefined');
    expect(statusOf({ State: { Code: 512 } })).toBe('Undefined');
  });

  test('an EC2 instance that is pending again long after its creation has the status Resuming', () => {
    const attached = { NetworkInterfaces: [{ Attachment: { AttachTime: at(0) } }] };
    const pending = { State: { Name: 'pending' as const }, ...attached };
    expect(statusOf({ ...pending, LaunchTime: at(0) })).toBe('Creating');
    const again = machine({ ...pending, LaunchTime: at(3_600) });
    expect(cloudInstance(again, 'test')).toMatchObject({
      status: 'Resuming',
      createdAtMs: at(0).getTime(),
    });
  });

  test.each([
    ['Client.VolumeLimitExceeded', { failureCode: 'QuotaExceeded', failureQuota: { of: 'volumes' } }],
    ['Client.InstanceLimitExceeded', { failureCode: 'QuotaExceeded', failureQuota: { of: 'family' } }],
    ['Server.InsufficientInstanceCapacity', { failureCode: 'InsufficientCapacity' }],
    ['Client.InvalidSnapshot.NotFound', {}],
    ['Client.TagLimitExceeded', {}],
  ])('an EC2 instance that ended with %s has the code and the quota that the reason tells', (Code, told) => {
    const ended = machine({ State: { Name: 'terminated' }, StateReason: { Code, Message: 'ended' } });
    const { failureCode, failureQuota } = cloudInstance(ended, 'test');
    expect({ failureCode, failureQuota }).toEqual(told);
  });

  test.each(['Server.SpotInstanceTermination', 'Server.SpotInstanceShutdown'])(
    'an EC2 instance that ended with %s was taken back by EC2',
    (Code) => {
      const reason = { Code, Message: `${Code}: Spot instance termination` };
      const ended = machine({ State: { Name: 'shutting-down' }, StateReason: reason });
      expect(cloudInstance(ended, 'test')).toMatchObject({
        status: 'Terminating',
        isInterrupted: true,
        failureMessage: reason.Message,
      });
      const { isInterrupted } = cloudInstance(
        machine({ State: { Name: 'running' }, StateReason: reason }),
        'test',
      );
      expect(isInterrupted).toBeUndefined();
    },
  );

  test('a terminated EC2 instance has a failure message unless a user asked for its shutdown', () => {
    const ended = { State: { Name: 'terminated' as const } };
    const reason = { Code: 'Client.VolumeLimitExceeded', Message: 'Volume limit exceeded' };
    expect(cloudInstance(machine({ ...ended, StateReason: reason }), 'test')).toMatchObject({
      status: 'Terminated',
      failureMessage: 'Volume limit exceeded',
    });
    expect(statusOf({ ...ended, StateReason: { Code: 'Client.UserInitiatedShutdown' } })).toBe('Terminated');
  });
});

test('the instance id and launch token of a machine without ownership tags are parsed from its name', () => {
  const Tags = [{ Key: 'Name', Value: 'fw-test-0123456789abcdef0000701' }];
  expect(cloudInstance(machine({ Tags }), 'test')).toMatchObject({
    instanceId: 'f0123456789abcdef-00007',
    launchToken: 'f0123456789abcdef-00007.1',
  });
  expect(cloudInstance(machine({ Tags }), 'other').instanceId).toBeUndefined();
});

describe('subnetCidrs', () => {
  test('a large network is divided into eight equal subnets', () => {
    const parts = subnetCidrs('10.0.0.0/16');
    expect(parts).toHaveLength(8);
    expect(parts.slice(0, 2)).toEqual(['10.0.0.0/19', '10.0.32.0/19']);
    expect(parts.at(-1)).toBe('10.0.224.0/19');
  });

  test('a small network is divided into fewer subnets, none smaller than a /28', () => {
    expect(subnetCidrs('192.168.1.0/27')).toEqual(['192.168.1.0/28', '192.168.1.16/28']);
    expect(subnetCidrs('192.168.1.0/28')).toEqual(['192.168.1.0/28']);
  });

  test.each([
    '10.0.0.0/8',
    '10.0.0.0/29',
    '10.0.0.1/16',
    '10.0.0.0',
    '10.0.0.256/24',
    'fd00::/64',
    '',
    'x/16',
  ])('a network with the CIDR %j is refused as InvalidRequest', (cidr) =>
    expect(() => subnetCidrs(cidr)).toThrow(expect.objectContaining({ code: 'InvalidRequest' })),
  );
});
