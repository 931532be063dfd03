import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DeleteTableCommand,
  DescribeLimitsCommand,
  DynamoDBClient,
  ListTablesCommand,
} from '@aws-sdk/client-dynamodb';
import { DescribeRegionsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  GetAccountSettingsCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  ListAWSDefaultServiceQuotasCommand,
  ListServiceQuotasCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  DeleteParametersCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  GetParametersByPathCommand,
  GetServiceSettingCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsAccount, AwsCalls, AwsSettings, CallName } from './aws-calls.ts';
import { AwsRefusal } from './aws-calls.ts';
import { refusalOf } from './aws-refusals.ts';

/** Time limits of one call. A command makes few calls, and a user waits for them. */
const LIMITS = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 15_000, throwOnRequestTimeout: true },
};

type Senders = { [Name in CallName]: (input: AwsCalls[Name]['input']) => Promise<AwsCalls[Name]['output']> };

/**
 * Opens an account with the user's AWS rights.
 *
 * @param nowMs this machine's clock, in ms since 1970
 * @throws AwsRefusal if no region is set
 */
export async function openAwsAccount(settings: AwsSettings, nowMs: () => number): Promise<AwsAccount> {
  let aheadMs: number | undefined;
  const config = { ...LIMITS, ...settings };
  const sts = new STSClient(config);
  const region = await sts.config.region().catch((cause: unknown) => {
    throw new AwsRefusal('unreachable', 'sts:GetCallerIdentity', 'no AWS region is set', cause);
  });
  // The header `Date` has a precision of one second. The middle of the call is compared with the middle of that
  // second.
  sts.middlewareStack.add(
    (next) => async (args) => {
      const sentMs = nowMs();
      const result = await next(args);
      const { response } = result;
      if (typeof response !== 'object' || response === null || !('headers' in response)) return result;
      const { headers } = response;
      const date =
        typeof headers === 'object' && headers !== null && 'date' in headers ? headers.date : undefined;
      const saidMs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
      if (Number.isFinite(saidMs)) aheadMs = Math.round(saidMs + 500 - (sentMs + nowMs()) / 2);
      return result;
    },
    { step: 'deserialize', name: 'compareClocks' },
  );
  const senders = makeSenders(sts, { ...config, region });
  return {
    region,
    engineUrl: settings.endpoint,
    clockAheadMs: () => aheadMs,
    async call(name, input) {
      try {
        return await senders[name](input);
      } catch (error) {
        throw refusalOf(name, error);
      }
    },
  };
}

function makeSenders(sts: STSClient, config: AwsSettings & typeof LIMITS & { region: string }): Senders {
  const stacks = new CloudFormationClient(config);
  const lambda = new LambdaClient(config);
  const quotas = new ServiceQuotasClient(config);
  const ssm = new SSMClient(config);
  const dynamo = new DynamoDBClient(config);
  const ec2 = new EC2Client(config);
  const iam = new IAMClient(config);
  const sqs = new SQSClient({ ...config, useQueueUrlAsEndpoint: false });
  const cloudwatch = new CloudWatchClient(config);
  const logs = new CloudWatchLogsClient(config);
  return {
    'sts:GetCallerIdentity': (input) => sts.send(new GetCallerIdentityCommand(input)),
    'cloudformation:DescribeStacks': (input) => stacks.send(new DescribeStacksCommand(input)),
    'cloudformation:ListStacks': (input) => stacks.send(new ListStacksCommand(input)),
    'cloudformation:ListStackResources': (input) => stacks.send(new ListStackResourcesCommand(input)),
    'cloudformation:DescribeStackEvents': (input) => stacks.send(new DescribeStackEventsCommand(input)),
    'cloudformation:UpdateTerminationProtection': (input) =>
      stacks.send(new UpdateTerminationProtectionCommand(input)),
    'cloudformation:DeleteStack': (input) => stacks.send(new DeleteStackCommand(input)),
    'lambda:GetAccountSettings': (input) => lambda.send(new GetAccountSettingsCommand(input)),
    'lambda:ListEventSourceMappings': (input) => lambda.send(new ListEventSourceMappingsCommand(input)),
    'servicequotas:ListServiceQuotas': (input) => quotas.send(new ListServiceQuotasCommand(input)),
    'servicequotas:GetServiceQuota': (input) => quotas.send(new GetServiceQuotaCommand(input)),
    'servicequotas:ListAWSDefaultServiceQuotas': (input) =>
      quotas.send(new ListAWSDefaultServiceQuotasCommand(input)),
    'servicequotas:GetAWSDefaultServiceQuota': (input) =>
      quotas.send(new GetAWSDefaultServiceQuotaCommand(input)),
    'ssm:GetParameter': (input) => ssm.send(new GetParameterCommand(input)),
    'ssm:GetParametersByPath': (input) => ssm.send(new GetParametersByPathCommand(input)),
    'ssm:DescribeParameters': (input) => ssm.send(new DescribeParametersCommand(input)),
    'ssm:GetServiceSetting': (input) => ssm.send(new GetServiceSettingCommand(input)),
    'ssm:DeleteParameters': (input) => ssm.send(new DeleteParametersCommand(input)),
    'dynamodb:DescribeLimits': (input) => dynamo.send(new DescribeLimitsCommand(input)),
    'dynamodb:ListTables': (input) => dynamo.send(new ListTablesCommand(input)),
    'dynamodb:DeleteTable': (input) => dynamo.send(new DeleteTableCommand(input)),
    'ec2:DescribeRegions': (input) => ec2.send(new DescribeRegionsCommand(input)),
    'iam:GetRole': (input) => iam.send(new GetRoleCommand(input)),
    'sqs:GetQueueAttributes': (input) => sqs.send(new GetQueueAttributesCommand(input)),
    'cloudwatch:DescribeAlarms': (input) => cloudwatch.send(new DescribeAlarmsCommand(input)),
    'logs:FilterLogEvents': (input) => logs.send(new FilterLogEventsCommand(input)),
  };
}
