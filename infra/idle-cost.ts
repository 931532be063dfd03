import { z } from 'zod';
import { CLOUDWATCH, DYNAMODB, EVENTBRIDGE, LAMBDA, SQS } from './prices.ts';
import { type Resource, referredId, resourcesOf, type Template } from './template.ts';

/** The cost of one stage in a month without use. */
export interface IdleCost {
  readonly lines: readonly { readonly what: string; readonly quantity: string; readonly usd: number }[];
  readonly usd: number;
}

const HOURS_PER_MONTH = 730;
const MINUTES_PER_MONTH = HOURS_PER_MONTH * 60;

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
 * Usage of one scheduled invocation while there is no fleet, including the messages that the invocation
 * sends. Assumption: eight connections have 53 locations in total. Each location has 12 instance types and 10
 * images, and the inventory rewrites every item.
 */
const SCHEDULED: Readonly<Record<string, Usage>> = {
  'functions/entrypoints/handlers/schedules/watch': {
    requests: 1,
    gbSeconds: 0.05,
    reads: 2,
    writes: 0,
    sqs: 0,
    logBytes: 600,
  },
  'functions/entrypoints/handlers/schedules/reconcile': {
    requests: 1,
    gbSeconds: 0.05,
    // Every fifth invocation advances the restore counter, which reveals that the tables were restored to an
    // earlier time. This takes two strongly consistent reads and one write.
    reads: 0.5 + 2 / 5,
    writes: 1 / 5,
    sqs: 0,
    logBytes: 600,
  },
  // Two queries of a few items each, and one query of the eight connections.
  'functions/entrypoints/handlers/schedules/finish-changes': {
    requests: 1,
    gbSeconds: 0.05,
    reads: 3,
    writes: 0,
    sqs: 0,
    logBytes: 600,
  },
  'functions/entrypoints/handlers/schedules/schedule-inventory': {
    requests: 1 + 8,
    gbSeconds: 0.1 + 8 * 5,
    reads: 10,
    writes: 53 * (1 + 12 + 10),
    sqs: 8 * 3,
    logBytes: 9 * 1_000,
  },
  // For each of the 53 locations: four lists, four permits, two queries, and the item of the location's sweep hold.
  // Messages are sent in batches of ten.
  'functions/entrypoints/handlers/schedules/schedule-sweeps': {
    requests: 1 + 8 + 53 / 5,
    gbSeconds: 0.1 + 8 * 0.2 + 53 * 0.1,
    reads: 10 + 8 * 7 + 53 * 10,
    writes: 53 * 4,
    sqs: 8 * 3 + 53 * 3,
    logBytes: 20 * 600,
  },
};

interface Usage {
  readonly requests: number;
  readonly gbSeconds: number;
  readonly reads: number;
  readonly writes: number;
  readonly sqs: number;
  readonly logBytes: number;
}

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
  'AWS::SQS::QueuePolicy',
  'AWS::StepFunctions::StateMachine',
  'Custom::DeploymentId',
]);

const PRICED = new Set([
  'AWS::CloudWatch::Alarm',
  'AWS::DynamoDB::GlobalTable',
  'AWS::Events::Rule',
  'AWS::Lambda::EventSourceMapping',
]);

/** Settings that make a resource cost money by the hour instead of by use. */
const HOURLY_SETTINGS: readonly (readonly [type: string, isHourly: (resource: Resource) => boolean])[] = [
  ['AWS::DynamoDB::GlobalTable', ({ Properties }) => Properties['BillingMode'] !== 'PAY_PER_REQUEST'],
  ['AWS::Lambda::EventSourceMapping', ({ Properties }) => 'ProvisionedPollerConfig' in Properties],
  ['AWS::ApiGatewayV2::Stage', ({ Properties }) => 'CacheClusterEnabled' in Properties],
];

/**
 * Computes the cost of an idle month from a synthesized template.
 *
 * @throws Error that names each resource that has no known price, and each resource that is billed by the hour
 */
export function idleCost(template: Template): IdleCost {
  refuseUnknown(template);
  const polls =
    resourcesOf(template, 'AWS::Lambda::EventSourceMapping').length * POLLS_PER_MINUTE * MINUTES_PER_MONTH;
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').reduce(
    (sum, [, alarm]) => sum + alarmMetrics(alarm),
    0,
  );
  const tables = resourcesOf(template, 'AWS::DynamoDB::GlobalTable');
  const recoverable = tables.filter(([, table]) => hasPointInTimeRecovery(table));
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
    line('Schedules: Lambda time', `${count(used.gbSeconds)} GB-s`, used.gbSeconds * LAMBDA.usdPerGbSecond),
    line('Schedules: DynamoDB reads', count(used.reads), used.reads * DYNAMODB.usdPerReadUnit),
    line('Schedules: DynamoDB writes', count(used.writes), used.writes * DYNAMODB.usdPerWriteUnit),
    line('Schedules: SQS requests', count(used.sqs), used.sqs * SQS.usdPerRequest),
    line(
      'Schedules: logs',
      `${logGb.toFixed(3)} GB`,
      logGb * (CLOUDWATCH.usdPerIngestedLogGb + CLOUDWATCH.usdPerStoredLogGbMonth),
    ),
  ];
  return { lines, usd: lines.reduce((sum, { usd }) => sum + usd, 0) };
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

const ruleSchema = z.object({
  ScheduleExpression: z.string().regex(/^rate\(\d+ (minute|hour|day)s?\)$/),
  Targets: z.array(z.object({ Arn: z.unknown() })),
});
const MINUTES = { minute: 1, hour: 60, day: 24 * 60 };

export function intervalMinutes(expression: string): number {
  const match = /^rate\((?<number>\d+) (?<unit>minute|hour|day)s?\)$/.exec(expression);
  const unit = z.enum(['minute', 'hour', 'day']).parse(match?.groups?.['unit']);
  return Number(match?.groups?.['number']) * MINUTES[unit];
}

function scheduledUsage(template: Template): Usage & { readonly runs: number } {
  const sum = { runs: 0, requests: 0, gbSeconds: 0, reads: 0, writes: 0, sqs: 0, logBytes: 0 };
  for (const [id, rule] of resourcesOf(template, 'AWS::Events::Rule')) {
    const { ScheduleExpression, Targets } = ruleSchema.parse(rule.Properties);
    const runs = MINUTES_PER_MONTH / intervalMinutes(ScheduleExpression);
    for (const { Arn } of Targets) {
      const target = String(template.Resources[referredId(Arn) ?? '']?.Properties['Description']);
      const usage = SCHEDULED[target];
      if (!usage)
        throw new Error(
          `${id}: infra/idle-cost.ts has no usage for ${target}: add the usage of one invocation to SCHEDULED`,
        );
      sum.runs += runs;
      sum.requests += runs * usage.requests;
      sum.gbSeconds += runs * usage.gbSeconds;
      sum.reads += runs * usage.reads;
      sum.writes += runs * usage.writes;
      sum.sqs += runs * usage.sqs;
      sum.logBytes += runs * usage.logBytes;
    }
  }
  return sum;
}

const line = (what: string, quantity: string, usd: number) => ({ what, quantity, usd });
const count = (value: number) => Math.round(value).toLocaleString('en-US');
