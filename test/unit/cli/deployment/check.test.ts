import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { AwsRefusal, type CallName } from '../../../../cli/shell/aws-calls.ts';
import { stageNeeds } from '../../../../cli/shell/stage-needs.ts';
import project from '../../../../package.json' with { type: 'json' };
import { cli } from '../world.ts';
import { documentedActions } from './documented-policy.ts';
import { type AwsAnswers, absent, denied, FakeAccount, FINE } from './fake-account.ts';
import { STAGE_NEEDS } from './stage-needs.ts';

const documentSchema = z.strictObject({
  deployment: z.string(),
  stage: z.string(),
  account: z.string(),
  region: z.string(),
  deployed: z.boolean(),
  size: z.number(),
  checks: z.array(
    z.strictObject({
      id: z.string(),
      status: z.enum(['ok', 'warning', 'problem', 'unknown']),
      found: z.string().min(1),
      needed: z.string().min(1),
      whatToDo: z.string(),
    }),
  ),
  ok: z.boolean(),
});

const API_URL = 'https://abc.execute-api.eu-central-1.amazonaws.com';
const unauthorized: typeof fetch = async () =>
  new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer realm="fleetwright"' } });

async function check(
  answers: AwsAnswers,
  more: { flags?: string[]; aheadMs?: number; fetch?: typeof fetch } = {},
) {
  const account = new FakeAccount({ ...FINE, ...answers }, more.aheadMs);
  const { exitCode, stdout, stderr } = await cli(
    ['deployment', 'check', '--stage', 'production', '--json', ...(more.flags ?? [])],
    {
      world: {
        openAccount: async () => account,
        stageNeeds: async () => STAGE_NEEDS,
        fetch: more.fetch ?? unauthorized,
      },
    },
  );
  const document = documentSchema.parse(JSON.parse(stdout));
  const finding = (id: string) => document.checks.find((one) => one.id === id);
  return { exitCode, document, stderr, finding, calls: account.calls };
}

/** Answers for a stack that is deployed and has nothing to report. */
const DEPLOYED: AwsAnswers = {
  'cloudformation:DescribeStacks': () => ({
    Stacks: [
      {
        StackName: 'Fleetwright-production',
        CreationTime: new Date(0),
        StackStatus: 'UPDATE_COMPLETE',
        EnableTerminationProtection: true,
        Outputs: [
          { OutputKey: 'Version', OutputValue: project.version },
          { OutputKey: 'ApiUrl', OutputValue: API_URL },
          {
            OutputKey: 'DeadLetterQueueUrls',
            OutputValue: '{"sim":"https://sqs/sim-dead","aws":"https://sqs/aws-dead"}',
          },
        ],
      },
    ],
  }),
  'cloudformation:ListStackResources': () => ({
    StackResourceSummaries: [
      resource('AWS::Lambda::EventSourceMapping', 'mapping-1'),
      resource('AWS::Logs::LogGroup', '/fleetwright/production/drivers-sim'),
      resource('AWS::Logs::LogGroup', '/fleetwright/production/api-fleets'),
    ],
  }),
  'lambda:ListEventSourceMappings': () => ({
    EventSourceMappings: [
      { UUID: 'mapping-1', ScalingConfig: { MaximumConcurrency: 30 } },
      { UUID: 'of another stack', ScalingConfig: { MaximumConcurrency: 900 } },
    ],
  }),
  'sqs:GetQueueAttributes': () => ({ Attributes: { ApproximateNumberOfMessages: '0' } }),
  'cloudwatch:DescribeAlarms': () => ({ MetricAlarms: [{ AlarmName: 'a', StateValue: 'OK' }] }),
  'logs:FilterLogEvents': () => ({ events: [{ message: '{"level":"info","message":"error rate is 0"}' }] }),
};

function resource(ResourceType: string, PhysicalResourceId: string) {
  return {
    LogicalResourceId: PhysicalResourceId,
    PhysicalResourceId,
    ResourceType,
    LastUpdatedTimestamp: new Date(0),
    ResourceStatus: 'CREATE_COMPLETE' as const,
  };
}

describe('the check before a deploy', () => {
  it('a fine account without a stack has no problem, and every check is ok', async () => {
    const { exitCode, document } = await check({});
    expect(exitCode).toBe(0);
    expect(document).toMatchObject({
      deployment: 'Fleetwright-production',
      region: 'eu-central-1',
      account: '111122223333',
      deployed: false,
      size: 1_000,
      ok: true,
    });
    expect(document.checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(document.checks.map(({ id }) => id)).toEqual([
      ...['stack', 'clock', 'region', 'services', 'bootstrap', 'lambda-concurrency', 'parameter-count'],
      ...['table-quotas', 'spot-role', 'size-invocations', 'size-transitions', 'size-executions'],
      ...['size-parameters', 'size-writes', 'size-ec2-calls', 'size-ec2-vcpus', 'size-ec2-interfaces'],
    ]);
  });

  it('`doctor` prints the same checks as `deployment check`, as aligned text', async () => {
    const world = { openAccount: async () => new FakeAccount(FINE), stageNeeds: async () => STAGE_NEEDS };
    const doctor = await cli(['doctor', '--stage', 'production'], { world });
    const usual = await cli(['deployment', 'check', '--stage', 'production'], { world });
    expect(doctor).toMatchObject({ exitCode: 0, stdout: usual.stdout });
    const rows = doctor.stdout.split('\n').filter((line) => /^(clock|region|bootstrap) /.test(line));
    expect(new Set(rows.map((line) => line.indexOf(' ok '))).size).toBe(1);
  });

  it.each([10, 50])(
    'an account with %i concurrent invocations is a problem',
    async (ConcurrentExecutions) => {
      const { exitCode, document, finding } = await check({
        'lambda:GetAccountSettings': () => ({ AccountLimit: { ConcurrentExecutions } }),
      });
      expect(exitCode).toBe(1);
      expect(document.ok).toBe(false);
      expect(finding('lambda-concurrency')).toMatchObject({ status: 'problem' });
      expect(finding('lambda-concurrency')?.whatToDo).toContain('L-B99A9384');
      expect(finding('lambda-concurrency')?.needed).toContain('410 concurrent');
      expect(finding('size-invocations')?.status).toBe('warning');
    },
  );

  it('an account that has room for one driver but not for all of them is a warning', async () => {
    const { exitCode, finding } = await check({
      'lambda:GetAccountSettings': () => ({ AccountLimit: { ConcurrentExecutions: 200 } }),
    });
    expect(exitCode).toBe(0);
    expect(finding('lambda-concurrency')?.status).toBe('warning');
  });

  it.each([
    ['no bootstrap', { 'ssm:GetParameter': absent('ssm:GetParameter') }, 'bootstrap', 'cdk bootstrap'],
    [
      'an old bootstrap',
      { 'ssm:GetParameter': () => ({ Parameter: { Value: '5' } }) },
      'bootstrap',
      'cdk bootstrap',
    ],
    [
      'a region without opt-in',
      { 'ec2:DescribeRegions': () => ({ Regions: [{ OptInStatus: 'not-opted-in' }] }) },
      'region',
      'enable-region',
    ],
  ] satisfies [string, AwsAnswers, string, string][])(
    '%s is a problem with the command that solves it',
    async (_, answers, id, command) => {
      const { exitCode, finding } = await check(answers);
      expect(exitCode).toBe(1);
      expect(finding(id)?.status).toBe('problem');
      expect(finding(id)?.whatToDo).toContain(command);
    },
  );

  it.each([
    [0, 'ok'],
    [-61_000, 'warning'],
    [90_000, 'warning'],
    [301_000, 'problem'],
    [-3_600_000, 'problem'],
  ])('a clock that is %i ms off is %s', async (aheadMs, status) => {
    expect((await check({}, { aheadMs })).finding('clock')?.status).toBe(status);
  });

  it('without the role for spot instances, the check warns and names the command that creates it', async () => {
    const { exitCode, finding } = await check({ 'iam:GetRole': absent('iam:GetRole') });
    expect(exitCode).toBe(0);
    expect(finding('spot-role')?.whatToDo).toContain('create-service-linked-role');
  });

  it('a service that the region does not list is a warning', async () => {
    const { finding } = await check({
      'ssm:GetParametersByPath': () => ({ Parameters: [{ Value: 'lambda' }] }),
    });
    expect(finding('services')).toMatchObject({ status: 'warning' });
    expect(finding('services')?.found).toContain('Step Functions');
  });
});

describe('a check that AWS does not answer', () => {
  const CALLS = Object.keys(FINE).filter((call) => !call.startsWith('sts:')) as CallName[];

  it.each(CALLS)(
    'without the right %s, the checks that need it are unknown and name the right',
    async (action) => {
      const refused: AwsAnswers = { [action]: denied(action) };
      const { exitCode, document } = await check(refused);
      expect(exitCode).toBe(0);
      const unknown = document.checks.filter(({ status }) => status === 'unknown');
      expect(unknown.length).toBeGreaterThan(0);
      for (const { found, whatToDo } of unknown) expect(`${found} ${whatToDo}`).toContain(action);
      expect(document.checks.filter(({ status }) => status !== 'unknown' && status !== 'ok')).toEqual([]);
    },
  );

  it('an endpoint that supports no call but the identity makes every asked check unknown', async () => {
    const identity = FINE['sts:GetCallerIdentity'];
    const none: AwsAnswers = Object.fromEntries(CALLS.map((call) => [call, undefined]));
    const { exitCode, document } = await check({
      ...none,
      ...(identity ? { 'sts:GetCallerIdentity': identity } : {}),
    });
    expect(exitCode).toBe(0);
    expect(document.checks.filter(({ status }) => status === 'problem')).toEqual([]);
    expect(document.checks.find(({ id }) => id === 'bootstrap')?.found).toContain('does not support');
  });

  it('if AWS cannot be reached, the command exits with 3', async () => {
    const { exitCode, stdout } = await cli(['doctor', '--json'], {
      world: {
        openAccount: async () =>
          new FakeAccount({
            'sts:GetCallerIdentity': () => {
              throw new AwsRefusal('unreachable', 'sts:GetCallerIdentity', 'ECONNREFUSED');
            },
          }),
      },
    });
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'aws-unreachable' });
  });
});

describe('the check of what throttles at a size', () => {
  it('10,000 instances on default quotas warn of EC2, the Parameter Store and Step Functions, with seconds', async () => {
    const { exitCode, finding } = await check(
      { 'ssm:GetServiceSetting': () => ({ ServiceSetting: { SettingValue: 'false' } }) },
      { flags: ['--size', '10000'] },
    );
    expect(exitCode).toBe(0);
    expect(finding('size-ec2-calls')).toMatchObject({ status: 'warning' });
    // (10,000 - 1,000) machines / 2 a second
    expect(finding('size-ec2-calls')?.found).toContain('at least 4,500 s');
    expect(finding('size-parameters')).toMatchObject({ status: 'warning' });
    expect(finding('size-executions')?.status).toBe('warning');
    expect(finding('size-ec2-vcpus')?.status).toBe('warning');
    expect(finding('size-transitions')?.status).toBe('ok');
  });

  it('one instance throttles nowhere', async () => {
    const { document } = await check({}, { flags: ['--size', '1'] });
    expect(document.checks.filter(({ id, status }) => id.startsWith('size-') && status !== 'ok')).toEqual([]);
  });

  it('an applied quota counts in place of the default', async () => {
    const { finding } = await check({
      'servicequotas:ListServiceQuotas': () => ({
        Quotas: [{ QuotaCode: 'L-AD9B4E93', QuotaName: 'StateTransition refill', Value: 1 }],
      }),
    });
    expect(finding('size-transitions')).toMatchObject({ status: 'warning' });
    expect(finding('size-transitions')?.found).toContain('800 + 1/s');
  });
});

describe('the check after a deploy', () => {
  it('a deployed stack with nothing to report is ok, and its own event sources say what concurrency it needs', async () => {
    const { exitCode, document, finding } = await check(DEPLOYED);
    expect(document.checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(exitCode).toBe(0);
    expect(finding('lambda-concurrency')?.needed).toContain('40 concurrent');
    expect(finding('api')?.found).toContain(API_URL);
  });

  it('messages in a dead-letter queue are a problem that names the driver', async () => {
    const { exitCode, finding } = await check({
      ...DEPLOYED,
      'sqs:GetQueueAttributes': ({ QueueUrl }) => ({
        Attributes: { ApproximateNumberOfMessages: QueueUrl?.endsWith('aws-dead') ? '3' : '0' },
      }),
    });
    expect(exitCode).toBe(1);
    expect(finding('dead-letters')).toMatchObject({ status: 'problem', found: 'aws: 3' });
  });

  it('an alarm that is on is a problem with the alarm’s own description', async () => {
    const { finding } = await check({
      ...DEPLOYED,
      'cloudwatch:DescribeAlarms': () => ({
        MetricAlarms: [{ AlarmName: 'late', AlarmDescription: 'Messages wait.', StateValue: 'ALARM' }],
      }),
    });
    expect(finding('alarms')).toMatchObject({
      status: 'problem',
      found: 'late',
      whatToDo: 'late: Messages wait.',
    });
  });

  it.each([
    ['UPDATE_ROLLBACK_COMPLETE', 'problem'],
    ['CREATE_FAILED', 'problem'],
    ['UPDATE_IN_PROGRESS', 'warning'],
  ] as const)('a stack in %s is a %s', async (StackStatus, status) => {
    const { finding } = await check({
      ...DEPLOYED,
      'cloudformation:DescribeStacks': () => ({
        Stacks: [{ StackName: 'Fleetwright-production', CreationTime: new Date(0), StackStatus }],
      }),
    });
    expect(finding('stack')?.status).toBe(status);
    expect(finding('version')?.status).toBe('warning');
  });

  it('an API that another server answers for is a problem', async () => {
    const { finding } = await check(DEPLOYED, { fetch: async () => new Response('hello') });
    expect(finding('api')).toMatchObject({ status: 'problem' });
  });

  it('an API that does not answer is a problem', async () => {
    const { finding } = await check(DEPLOYED, { fetch: () => Promise.reject(new TypeError('fetch failed')) });
    expect(finding('api')).toMatchObject({ status: 'problem' });
  });

  it('the last error in a driver’s log is shown, without control characters', async () => {
    const { finding } = await check({
      ...DEPLOYED,
      'logs:FilterLogEvents': () => ({
        events: [
          { message: '{"level":"error","message":"first"}' },
          { message: '{"level":"error","message":"poll failed","error":{"message":"no \\u001b[31mroute"}}' },
          { message: 'END RequestId: 1' },
        ],
      }),
    });
    expect(finding('driver-errors')?.status).toBe('warning');
    expect(finding('driver-errors')?.found).toMatch(/drivers-sim: 2, the last: poll failed: no .*route/);
    expect(finding('driver-errors')?.found).not.toContain('\u001b');
  });
});

describe('the settings of a stage', () => {
  it('production has all drivers, with a concurrency', () => {
    const { drivers, driverConcurrency } = stageNeeds('production');
    expect(drivers).toContain('aws');
    expect(driverConcurrency).toBeGreaterThanOrEqual(2);
  });
});

describe('the documented policy of the check', () => {
  it('the policy allows exactly the calls that checks make', async () => {
    const withoutApplied = { 'servicequotas:GetServiceQuota': absent('servicequotas:GetServiceQuota') };
    const runs = [await check({}), await check(DEPLOYED), await check(withoutApplied)];
    const made = new Set(runs.flatMap(({ calls }) => calls));
    expect(documentedActions('check')).toEqual([...made].sort());
  });
});
