import { Aws, Duration, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSubscription, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { HANDLERS } from '../settings/bundles.ts';
import type { Stage } from '../settings/config.ts';
import type { OptionalText, Parameters } from '../settings/parameters.ts';
import { RECEIVES_BEFORE_DEAD_LETTER } from '../settings/times.ts';
import type { DriverQueues } from './driver-queue.ts';
import type { Encryption } from './encryption.ts';
import type { AppFunction } from './function.ts';
import type { Workflows } from './workflows.ts';

export interface AlarmsProps {
  readonly stage: Stage;
  readonly parameters: Parameters;
  readonly encryption: Encryption;
  readonly queues: DriverQueues;
  readonly workflows: Workflows;
  readonly http: HttpApi;
  /**
   * Functions that run on a schedule. No caller waits for their results, so only an alarm shows their errors.
   */
  readonly scheduled: readonly AppFunction[];
  /** The function that exports the audit log. Undefined: the log is not exported. */
  readonly auditExport: AppFunction | undefined;
}

interface Threshold {
  readonly metric: Metric;
  /** The alarm goes off when the metric is greater than this value. */
  readonly above: number;
  readonly minutes?: number;
  /** Number of periods in a row in which the metric must be greater than `above`. */
  readonly periods?: number;
}

/**
 * Makes one alarm for each condition that needs an operator. Each alarm costs $0.10 a month, even if it never goes
 * off.
 */
export class Alarms extends Construct {
  readonly topic: Topic | undefined;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { stage } = props;
    if (stage.alarms === 'none') return;
    this.topic = this.#makeTopic(props);
    this.#watchForLostWork(props);
    if (stage.alarms === 'all') this.#watchForTrouble(props);
  }

  #watchForLostWork({ queues, workflows, auditExport }: AlarmsProps): void {
    if (auditExport) {
      this.#add(
        'audit-export-late',
        'Entries of the audit log were not exported for an hour or more. After 24 hours, the stream drops them: then run "fleetwright audit export".',
        {
          metric: auditExport.lambda.metric('IteratorAge', { statistic: Stats.MAXIMUM }),
          above: 3_600_000,
        },
      );
    }
    for (const { driver, deadLetters } of queues.all) {
      this.#add(
        `${driver}-dead-letters`,
        `Messages for the driver ${driver} are in its dead-letter queue: each was received ${RECEIVES_BEFORE_DEAD_LETTER} times without success.`,
        {
          metric: deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
          above: 0,
        },
      );
    }
    for (const { node, machine } of [workflows.provisionFleet, workflows.terminateFleet]) {
      this.#add(`${node.id}-failed`, `An execution of the workflow ${node.id} failed.`, {
        metric: machine.metricFailed({ statistic: Stats.SUM }),
        above: 0,
      });
    }
  }

  #watchForTrouble({ queues, http, scheduled }: AlarmsProps): void {
    for (const { driver, queue } of queues.all) {
      this.#add(
        `${driver}-late`,
        `Messages for the driver ${driver} have waited in its queue for ten minutes or more.`,
        {
          metric: queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM }),
          above: 600,
          periods: 3,
        },
      );
    }
    // Each sweep that waits for an operator adds 1 to this metric. In production, sweeps run every 15
    // minutes.
    this.#add(
      'sweeps-held',
      'Sweeps remove no machines until an operator runs "fleetwright orphans continue".',
      {
        metric: new Metric({ namespace: 'Fleetwright', metricName: 'SweepHeld', statistic: Stats.SUM }),
        above: 0,
        minutes: 30,
      },
    );
    this.#add('api-5xx', 'The API answers requests with server errors (5xx).', {
      metric: http.metricServerError({ statistic: Stats.SUM }),
      above: 5,
    });
    for (const { entry, lambda } of scheduled) {
      // Lambda retries a failed scheduled invocation twice. Therefore a single error does not mean that a
      // scheduled run was missed.
      this.#add(
        `${entry.replaceAll('/', '-')}-errors`,
        `The function ${HANDLERS}/${entry} fails repeatedly.`,
        {
          metric: lambda.metricErrors({ statistic: Stats.SUM }),
          above: 1,
          minutes: 15,
        },
      );
    }
  }

  #add(id: string, description: string, { metric, above, minutes = 5, periods = 1 }: Threshold): void {
    const alarm = new Alarm(this, id, {
      alarmName: `${Stack.of(this).stackName}-${id}`,
      alarmDescription: description,
      metric: metric.with({ period: Duration.minutes(minutes) }),
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (this.topic) alarm.addAlarmAction(new SnsAction(this.topic));
  }

  /**
   * Makes the topic without encryption. CloudWatch cannot publish with the free AWS-managed key of SNS, and
   * an alarm's text is not secret.
   */
  #makeTopic({ parameters: { alarmEmail }, encryption }: AlarmsProps): Topic {
    const topic = new Topic(this, 'Topic', {
      enforceSSL: true,
      ...(encryption.key ? { masterKey: encryption.key } : {}),
    });
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    if (alarmEmail) this.#subscribe(topic, alarmEmail);
    return topic;
  }

  /** Subscribes the address that the operator gives as a parameter. Without an address there is no subscription. */
  #subscribe({ topicArn }: Topic, { value, isSet }: OptionalText): void {
    const subscription = new CfnSubscription(this, 'Subscription', {
      topicArn,
      protocol: 'email',
      endpoint: value,
    });
    subscription.cfnOptions.condition = isSet;
  }
}
