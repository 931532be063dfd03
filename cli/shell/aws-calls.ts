import type {
  DeleteStackCommandInput,
  DeleteStackCommandOutput,
  DescribeStackEventsCommandInput,
  DescribeStackEventsCommandOutput,
  DescribeStacksCommandInput,
  DescribeStacksCommandOutput,
  ListStackResourcesCommandInput,
  ListStackResourcesCommandOutput,
  ListStacksCommandInput,
  ListStacksCommandOutput,
  UpdateTerminationProtectionCommandInput,
  UpdateTerminationProtectionCommandOutput,
} from '@aws-sdk/client-cloudformation';
import type { DescribeAlarmsCommandInput, DescribeAlarmsCommandOutput } from '@aws-sdk/client-cloudwatch';
import type {
  FilterLogEventsCommandInput,
  FilterLogEventsCommandOutput,
} from '@aws-sdk/client-cloudwatch-logs';
import type {
  DeleteTableCommandInput,
  DeleteTableCommandOutput,
  DescribeLimitsCommandInput,
  DescribeLimitsCommandOutput,
  ListTablesCommandInput,
  ListTablesCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { DescribeRegionsCommandInput, DescribeRegionsCommandOutput } from '@aws-sdk/client-ec2';
import type { GetRoleCommandInput, GetRoleCommandOutput } from '@aws-sdk/client-iam';
import type {
  GetAccountSettingsCommandInput,
  GetAccountSettingsCommandOutput,
  ListEventSourceMappingsCommandInput,
  ListEventSourceMappingsCommandOutput,
} from '@aws-sdk/client-lambda';
import type {
  GetAWSDefaultServiceQuotaCommandInput,
  GetAWSDefaultServiceQuotaCommandOutput,
  GetServiceQuotaCommandInput,
  GetServiceQuotaCommandOutput,
  ListAWSDefaultServiceQuotasCommandInput,
  ListAWSDefaultServiceQuotasCommandOutput,
  ListServiceQuotasCommandInput,
  ListServiceQuotasCommandOutput,
} from '@aws-sdk/client-service-quotas';
import type { GetQueueAttributesCommandInput, GetQueueAttributesCommandOutput } from '@aws-sdk/client-sqs';
import type {
  DeleteParametersCommandInput,
  DeleteParametersCommandOutput,
  DescribeParametersCommandInput,
  DescribeParametersCommandOutput,
  GetParameterCommandInput,
  GetParameterCommandOutput,
  GetParametersByPathCommandInput,
  GetParametersByPathCommandOutput,
  GetServiceSettingCommandInput,
  GetServiceSettingCommandOutput,
} from '@aws-sdk/client-ssm';
import type { GetCallerIdentityCommandInput, GetCallerIdentityCommandOutput } from '@aws-sdk/client-sts';

interface Call<Input, Output> {
  input: Input;
  output: Omit<Output, '$metadata'>;
}

/**
 * Every call that `deployment check` and `deployment destroy` make at AWS, apart from those to the items of the
 * deployment's tables. A call has the name of the IAM action that it needs, so that the policies in
 * docs/operations/deployment.md can be compared with this list.
 */
export interface AwsCalls {
  'sts:GetCallerIdentity': Call<GetCallerIdentityCommandInput, GetCallerIdentityCommandOutput>;
  'cloudformation:DescribeStacks': Call<DescribeStacksCommandInput, DescribeStacksCommandOutput>;
  'cloudformation:ListStacks': Call<ListStacksCommandInput, ListStacksCommandOutput>;
  'cloudformation:ListStackResources': Call<ListStackResourcesCommandInput, ListStackResourcesCommandOutput>;
  'cloudformation:DescribeStackEvents': Call<
    DescribeStackEventsCommandInput,
    DescribeStackEventsCommandOutput
  >;
  'cloudformation:UpdateTerminationProtection': Call<
    UpdateTerminationProtectionCommandInput,
    UpdateTerminationProtectionCommandOutput
  >;
  'cloudformation:DeleteStack': Call<DeleteStackCommandInput, DeleteStackCommandOutput>;
  'lambda:GetAccountSettings': Call<GetAccountSettingsCommandInput, GetAccountSettingsCommandOutput>;
  'lambda:ListEventSourceMappings': Call<
    ListEventSourceMappingsCommandInput,
    ListEventSourceMappingsCommandOutput
  >;
  'servicequotas:ListServiceQuotas': Call<ListServiceQuotasCommandInput, ListServiceQuotasCommandOutput>;
  'servicequotas:GetServiceQuota': Call<GetServiceQuotaCommandInput, GetServiceQuotaCommandOutput>;
  'servicequotas:ListAWSDefaultServiceQuotas': Call<
    ListAWSDefaultServiceQuotasCommandInput,
    ListAWSDefaultServiceQuotasCommandOutput
  >;
  'servicequotas:GetAWSDefaultServiceQuota': Call<
    GetAWSDefaultServiceQuotaCommandInput,
    GetAWSDefaultServiceQuotaCommandOutput
  >;
  'ssm:GetParameter': Call<GetParameterCommandInput, GetParameterCommandOutput>;
  'ssm:GetParametersByPath': Call<GetParametersByPathCommandInput, GetParametersByPathCommandOutput>;
  'ssm:DescribeParameters': Call<DescribeParametersCommandInput, DescribeParametersCommandOutput>;
  'ssm:GetServiceSetting': Call<GetServiceSettingCommandInput, GetServiceSettingCommandOutput>;
  'ssm:DeleteParameters': Call<DeleteParametersCommandInput, DeleteParametersCommandOutput>;
  'dynamodb:DescribeLimits': Call<DescribeLimitsCommandInput, DescribeLimitsCommandOutput>;
  'dynamodb:ListTables': Call<ListTablesCommandInput, ListTablesCommandOutput>;
  'dynamodb:DeleteTable': Call<DeleteTableCommandInput, DeleteTableCommandOutput>;
  'ec2:DescribeRegions': Call<DescribeRegionsCommandInput, DescribeRegionsCommandOutput>;
  'iam:GetRole': Call<GetRoleCommandInput, GetRoleCommandOutput>;
  'sqs:GetQueueAttributes': Call<GetQueueAttributesCommandInput, GetQueueAttributesCommandOutput>;
  'cloudwatch:DescribeAlarms': Call<DescribeAlarmsCommandInput, DescribeAlarmsCommandOutput>;
  'logs:FilterLogEvents': Call<FilterLogEventsCommandInput, FilterLogEventsCommandOutput>;
}

export type CallName = keyof AwsCalls;

/** An AWS account and region, as the user's AWS rights show it. Tests replace it. */
export interface AwsAccount {
  readonly region: string;
  /** URL of a local engine that is used in AWS's place. */
  readonly engineUrl: string | undefined;
  /** @throws AwsRefusal */
  call<Name extends CallName>(name: Name, input: AwsCalls[Name]['input']): Promise<AwsCalls[Name]['output']>;
  /**
   * Returns how far AWS's clock was ahead of this machine's clock at the latest answer, in ms. Undefined before the
   * first answer.
   */
  clockAheadMs(): number | undefined;
}

/**
 * Why a call failed. `denied`: a right is missing. `absent`: the asked thing does not exist. `unsupported`: the
 * endpoint does not know the call, as local engines may not. `unreachable`: no answer came, or AWS refused the
 * credentials themselves.
 */
export type RefusalKind = 'denied' | 'absent' | 'unsupported' | 'unreachable' | 'failed';

/** Thrown if AWS did not do what a call asked for. */
export class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal';
  readonly kind: RefusalKind;
  readonly action: CallName;

  constructor(kind: RefusalKind, action: CallName, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.action = action;
  }
}

/** Settings of the AWS clients. What is absent comes from the environment, as in all AWS tools. */
export interface AwsSettings {
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}
