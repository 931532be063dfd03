import { afterEach, describe, expect, test } from 'vitest';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import { type Canned, type CannedEc2, cannedEc2, connect, page, refusal } from './canned-ec2.ts';

let ec2: CannedEc2 | undefined;
afterEach(async () => {
  await ec2?.close();
  ec2 = undefined;
});

const WOULD = refusal(412, 'DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');
const DENIED = refusal(403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.');
const parameters: Canned = {
  status: 200,
  body: JSON.stringify({ Parameters: [], InvalidParameters: [] }),
  headers: { 'content-type': 'application/x-amz-json-1.1' },
};

/** Checks the rights at an EC2 that answers as `answer` says; undefined: as for a call that is allowed. */
async function checked(answer: (action: string) => Canned | undefined) {
  ec2 = await cannedEc2((call) => {
    const action = call.get('Action') ?? '';
    if (action === 'GetParameters') return parameters;
    return answer(action) ?? (action.startsWith('Describe') ? page(action) : WOULD);
  });
  const client = connect(ec2.url);
  if (!has(client, 'rights-check')) throw new TypeError('driver aws has no check of rights');
  return await client.checkRights('us-east-1');
}

const changes = () => (ec2?.calls ?? []).filter((call) => !/^(Describe|Get)/.test(call.get('Action') ?? ''));

describe('a check of rights', () => {
  test('finds nothing denied if each dry run would succeed, with at most ten requests', async () => {
    expect(await checked(() => undefined)).toEqual([]);
    expect(ec2?.calls.length).toBeLessThanOrEqual(10);
  });

  test('sends each change as a dry run', async () => {
    await checked(() => undefined);
    expect(changes().length).toBeGreaterThan(3);
    expect(changes().every((call) => call.get('DryRun') === 'true')).toBe(true);
  });

  test('names each denied call with the words of EC2', async () => {
    const denied = await checked((action) =>
      action === 'RunInstances' || action === 'CreateVpc' ? DENIED : undefined,
    );
    expect(denied.map(({ call, code }) => [call, code])).toEqual([
      ['ec2:RunInstances', 'UnauthorizedOperation'],
      ['ec2:CreateVpc', 'UnauthorizedOperation'],
    ]);
    expect(denied[0]?.message).toContain('You are not authorized');
  });

  test('names a denied list', async () => {
    const denied = await checked((action) => (action === 'DescribeInstances' ? DENIED : undefined));
    expect(denied.map(({ call }) => call)).toEqual(['ec2:DescribeInstances']);
  });

  test('counts a dry run that fails for another reason as allowed', async () => {
    const denied = await checked((action) =>
      action === 'RunInstances' ? refusal(400, 'VPCIdNotSpecified', 'No default VPC') : undefined,
    );
    expect(denied).toEqual([]);
  });

  test('ends the machine of a server that ignores the dry run, and asks that server nothing else', async () => {
    const machine = '<instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>';
    const denied = await checked((action) =>
      action === 'RunInstances' || action === 'TerminateInstances' ? page(action, machine) : undefined,
    );
    expect(denied).toEqual([]);
    expect(changes().map((call) => call.get('Action'))).toEqual(['RunInstances', 'TerminateInstances']);
    expect(changes()[1]?.get('InstanceId.1')).toBe('i-1');
  });

  test('removes the network of a server that ignores the dry run of a network, and asks that server nothing else', async () => {
    await checked((action) =>
      action === 'CreateVpc' || action === 'DeleteVpc'
        ? page(action, '<vpc><vpcId>vpc-1</vpcId></vpc>')
        : undefined,
    );
    expect(changes().map((call) => call.get('Action'))).toEqual(['RunInstances', 'CreateVpc', 'DeleteVpc']);
    expect(changes()[2]?.get('VpcId')).toBe('vpc-1');
  });
});
