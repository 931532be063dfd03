import * as z from 'zod';
import { CLOUDWATCH, DYNAMODB, EVENTBRIDGE, KMS, LAMBDA, SQS, XRAY } from './prices.ts';
import { MINUTES_PER_MONTH, scheduledUsage } from './scheduled-usage.ts';
import { type Resource, resourcesOf, type Template } from './template.ts';
import { templateWithValues } from './template-with-values.ts';

/** The cost of one stage in a month without use. */
export interface IdleCost {
  readonly lines: readonly { readonly what: string; readonly quantity: string; readonly usd: number }[];
  readonly usd: number;
}

/**
 * Number of long polls that Lambda makes at one idle queue in a minute. Lambda starts with five pollers
 * (https://aws.amazon.com/blogs/compute/understanding-how-aws-lambda-scales-when-subscribed-to-amazon-sqs-queues/),
 * and a long poll takes at most 20 seconds
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
 */
const POLLS_PER_MINUTE = 5 * (60 / 20);

/** Storage of the records of a few thousand past fleets, over all tables. */
const STORED_GB = 1;

/**
 * Types of resources that cost nothing while the stage is idle, because they are free or charged only by use.
 */
const FREE_WHEN_IDLE = new Set([
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Stage',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::Lambda::Function',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::Queue',
  'AWS::S3::Bucket',
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::StepFunctions::StateMachine',
  'Custom::DeploymentId',
]);

const PRICED = new Set([
  'AWS::CloudWatch::Alarm',
  'AWS::DynamoDB::GlobalTable',
  'AWS::Events::Rule',
  'AWS::KMS::Key',
  'AWS::Lambda::EventSourceMapping',
]);

/** Settings that make a resource cost money by the hour instead of by use. */
const HOURLY_SETTINGS: readonly (readonly [type: string, isHourly: (resource: Resource) => boolean])[] = [
  ['AWS::DynamoDB::GlobalTable', ({ Properties }) => Properties['BillingMode'] !== 'PAY_PER_REQUEST'],
  ['AWS::Lambda::EventSourceMapping', ({ Properties }) => 'ProvisionedPollerConfig' in Properties],
  ['AWS::ApiGatewayV2::Stage', ({ Properties }) => 'CacheClusterEnabled' in Properties],
];

/**
 * Computes the cost of an idle month from a synthesized template and the values of its parameters.
 *
 * @throws Error that names each resource that has no known price, and each resource that is billed by the hour
 */
export function idleCost(
  synthesized: Template,
  parameters: Readonly<Record<string, unknown>> = {},
): IdleCost {
  const template = templateWithValues(synthesized, parameters);
  refuseUnknown(template);
  // Lambda does not charge for polling the stream of a DynamoDB table, whose mapping has a position to start at.
  const queues = resourcesOf(template, 'AWS::Lambda::EventSourceMapping').filter(
    ([, { Properties }]) => !('StartingPosition' in Properties),
  );
  const polls = queues.length * POLLS_PER_MINUTE * MINUTES_PER_MONTH;
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').reduce(
    (sum, [, alarm]) => sum + alarmMetrics(alarm),
    0,
  );
  const tables = resourcesOf(template, 'AWS::DynamoDB::GlobalTable');
  const recoverable = tables.filter(([, table]) => hasPointInTimeRecovery(table));
  const keys = resourcesOf(template, 'AWS::KMS::Key').length;
  const used = scheduledUsage(template);
  const logGb = used.logBytes / 1e9;

  const lines = [
    line('SQS: long polls of idle queues', count(polls), polls * SQS.usdPerRequest),
    line('CloudWatch: alarm metrics', count(alarms), alarms * CLOUDWATCH.usdPerAlarmMetricMonth),
    line('DynamoDB: storage', `${STORED_GB} GB`, STORED_GB * DYNAMODB.usdPerStoredGbMonth),
    line(
      'DynamoDB: point-in-time recovery',
      `${recoverable.length} of ${tables.length} tables`,
      (recoverable.length / tables.length) * STORED_GB * DYNAMODB.usdPerPointInTimeRecoveryGbMonth,
    ),
    line('Schedules: EventBridge', count(used.runs), used.runs * EVENTBRIDGE.usdPerScheduledInvocation),
    line('Schedules: Lambda requests', count(used.requests), used.requests * LAMBDA.usdPerRequest),
    line('Schedules: Lambda time', `${count(used.gbSeconds)} GB-s`, used.gbSeconds * gbSecondOf(template)),
    line('Schedules: DynamoDB reads', count(used.reads), used.reads * DYNAMODB.usdPerReadUnit),
    line('Schedules: DynamoDB writes', count(used.writes), used.writes * DYNAMODB.usdPerWriteUnit),
    line('Schedules: SQS requests', count(used.sqs), used.sqs * SQS.usdPerRequest),
    ...(keys > 0 ? [line('KMS: keys of the account', count(keys), keys * KMS.usdPerKeyMonth)] : []),
    line('Schedules: KMS requests', count(used.kms), used.kms * KMS.usdPerRequest),
    line(
      'Schedules: logs',
      `${logGb.toFixed(3)} GB`,
      logGb * (CLOUDWATCH.usdPerIngestedLogGb + CLOUDWATCH.usdPerStoredLogGbMonth),
    ),
    ...(isTraced(template)
      ? [line('X-Ray: traces', count(used.requests), used.requests * XRAY.usdPerTrace)]
      : []),
  ];
  return { lines, usd: lines.reduce((sum, { usd }) => sum + usd, 0) };
}

function gbSecondOf(template: Template): number {
  const isX86 = resourcesOf(template, 'AWS::Lambda::Function').some(([, { Properties }]) =>
    JSON.stringify(Properties['Architectures'] ?? []).includes('x86_64'),
  );
  return isX86 ? LAMBDA.usdPerX86GbSecond : LAMBDA.usdPerGbSecond;
}

/**
 * Returns true if functions send traces to X-Ray. X-Ray records the first request of each second, so that it records
 * every invocation of an idle deployment.
 */
function isTraced(template: Template): boolean {
  return resourcesOf(template, 'AWS::Lambda::Function').some(([, { Properties }]) =>
    JSON.stringify(Properties['TracingConfig'] ?? {}).includes('"Active"'),
  );
}

function refuseUnknown(template: Template): void {
  const refused = Object.entries(template.Resources).flatMap(([id, resource]) => {
    if (!FREE_WHEN_IDLE.has(resource.Type) && !PRICED.has(resource.Type)) {
      return [
        `${id}: infra/idle-cost.ts has no price for ${resource.Type}: add the cost of this type in an idle stage`,
      ];
    }
    const isHourly = HOURLY_SETTINGS.some(([type, check]) => type === resource.Type && check(resource));
    return isHourly ? [`${id}: ${resource.Type} with these settings is billed by the hour`] : [];
  });
  if (refused.length > 0) throw new Error(refused.join('\n'));
}

function alarmMetrics({ Properties }: Resource): number {
  const metrics = z
    .array(z.object({ MetricStat: z.unknown().optional() }))
    .safeParse(Properties['Metrics']).data;
  return metrics ? metrics.filter(({ MetricStat }) => MetricStat !== undefined).length : 1;
}

const replicasSchema = z.array(
  z.object({
    PointInTimeRecoverySpecification: z.object({ PointInTimeRecoveryEnabled: z.boolean() }).optional(),
  }),
);

export function hasPointInTimeRecovery({ Properties }: Resource): boolean {
  const replicas = replicasSchema.parse(Properties['Replicas']);
  return replicas.every((replica) => replica.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled);
}

const line = (what: string, quantity: string, usd: number) => ({ what, quantity, usd });
const count = (value: number) => Math.round(value).toLocaleString('en-US');
