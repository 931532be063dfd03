import {
  type AwsAccount,
  type AwsCalls,
  AwsRefusal,
  type CallName,
} from '../../../../cli/shell/aws-calls.ts';

/** Answers of the fake account, by call. A call without an answer is refused as unsupported. */
export type AwsAnswers = {
  [Name in CallName]?: (input: AwsCalls[Name]['input']) => AwsCalls[Name]['output'];
};

export const denied = (action: CallName) => () => {
  throw new AwsRefusal('denied', action, 'AccessDeniedException: no identity-based policy allows it');
};
export const absent = (action: CallName) => () => {
  throw new AwsRefusal('absent', action, 'it does not exist');
};

/** A fake AWS account. `calls` has the name of every call that was made. */
export class FakeAccount implements AwsAccount {
  readonly region = 'eu-central-1';
  readonly engineUrl: string | undefined = undefined;
  readonly calls: CallName[] = [];
  readonly #answers: AwsAnswers;
  readonly #aheadMs: number;

  constructor(answers: AwsAnswers, aheadMs = 0) {
    this.#answers = answers;
    this.#aheadMs = aheadMs;
  }

  async call<Name extends CallName>(
    name: Name,
    input: AwsCalls[Name]['input'],
  ): Promise<AwsCalls[Name]['output']> {
    this.calls.push(name);
    const answer = this.#answers[name];
    if (!answer) throw new AwsRefusal('unsupported', name, 'UnknownOperationException');
    return answer(input);
  }

  clockAheadMs(): number {
    return this.#aheadMs;
  }
}

const quota = (QuotaCode: string, QuotaName: string, Value: number) => ({ QuotaCode, QuotaName, Value });
const STATES = [
  quota('L-137B3F65', 'StateTransition throttle token bucket size', 800),
  quota('L-AD9B4E93', 'StateTransition throttle token refill rate per second', 800),
  quota('L-1', 'StartExecution throttle token bucket size', 800),
  quota('L-2', 'StartExecution throttle token refill rate per second', 150),
];
const EC2: Record<string, ReturnType<typeof quota>> = {
  'L-8EEB235C': quota('L-8EEB235C', 'RunInstances request bucket maximum capacity', 5),
  'L-A2D70E6C': quota('L-A2D70E6C', 'RunInstances request bucket refill rate', 2),
  'L-1216C47A': quota('L-1216C47A', 'Running On-Demand Standard instances', 5_000),
  'L-DF5E4CA3': quota('L-DF5E4CA3', 'Network interfaces per Region', 5_000),
};

/** Answers of an account with all that a deployment needs, and no stack. */
export const FINE: AwsAnswers = {
  'sts:GetCallerIdentity': () => ({ Account: '111122223333', Arn: 'arn:aws:iam::111122223333:user/ops' }),
  'cloudformation:DescribeStacks': absent('cloudformation:DescribeStacks'),
  'ec2:DescribeRegions': () => ({ Regions: [{ OptInStatus: 'opt-in-not-required' }] }),
  'ssm:GetParametersByPath': () => ({
    Parameters: [
      ...['apigateway', 'cloudformation', 'cloudwatch', 'logs', 'dynamodb', 'events'],
      ...['lambda', 'ssm', 'sns', 'sqs', 'stepfunctions'],
    ].map((Value) => ({ Value })),
  }),
  'ssm:GetParameter': () => ({ Parameter: { Value: '25' } }),
  'ssm:DescribeParameters': () => ({ Parameters: [{ Name: '/cdk-bootstrap/hnb659fds/version' }] }),
  'ssm:GetServiceSetting': () => ({ ServiceSetting: { SettingValue: 'true' } }),
  'lambda:GetAccountSettings': () => ({
    AccountLimit: { ConcurrentExecutions: 1_000, UnreservedConcurrentExecutions: 1_000 },
  }),
  'servicequotas:ListAWSDefaultServiceQuotas': () => ({ Quotas: STATES }),
  'servicequotas:ListServiceQuotas': () => ({ Quotas: [] }),
  'servicequotas:GetServiceQuota': ({ QuotaCode = '' }) => ({ Quota: EC2[QuotaCode] }),
  'dynamodb:DescribeLimits': () => ({ TableMaxWriteCapacityUnits: 40_000 }),
  'dynamodb:ListTables': () => ({ TableNames: ['another'] }),
  'iam:GetRole': () => ({ Role: undefined }),
};
