import { Duration, Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { CfnQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { DriverName } from '../../functions/model/connection.ts';
import type { Stage } from '../settings/config.ts';
import { BEGINNING_SECONDS, RECEIVES_BEFORE_DEAD_LETTER } from '../settings/times.ts';
import type { Encryption } from './encryption.ts';
import { AppFunction, type FunctionContext } from './function.ts';

/** Time for which SQS uses a data key again. A longer time costs fewer requests to KMS. */
const KEY_REUSE_SECONDS = 3_600;

interface DriverQueueProps {
  readonly driver: DriverName;
  readonly stage: Stage;
  readonly encryption: Encryption;
}

/** Makes one driver's queue and its dead-letter queue. */
export class DriverQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly driver: DriverName;

  constructor(scope: Construct, id: string, props: DriverQueueProps) {
    super(scope, id);
    const { driver, stage, encryption } = props;
    this.driver = driver;
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      visibilityTimeout: Duration.seconds(stage.driverTimeoutSeconds + BEGINNING_SECONDS),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: RECEIVES_BEFORE_DEAD_LETTER },
    });
    if (encryption.key)
      for (const one of [this.queue, this.deadLetters]) encryptWith(one, encryption.key.keyArn);
  }

  /** Makes the function that reads the queue. The caller grants further rights to the function. */
  addConsumer(context: FunctionContext): AppFunction {
    const consumer = new AppFunction(this, 'Consumer', {
      ...context,
      entry: `drivers/${this.driver}`,
      timeout: Duration.seconds(context.stage.driverTimeoutSeconds),
      sendsToItself: true,
    });
    consumer.lambda.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: 10,
        maxConcurrency: context.parameters.driverConcurrency,
        reportBatchItemFailures: true,
      }),
    );
    return consumer;
  }
}

/**
 * Encrypts a queue with a key of the account. CDK's own setting would also let the queue's consumer decrypt everything that
 * is encrypted with the key.
 */
function encryptWith(queue: Queue, keyArn: string): void {
  const resource = queue.node.defaultChild;
  if (!(resource instanceof CfnQueue)) throw new TypeError('the queue has no resource');
  resource.sqsManagedSseEnabled = undefined;
  resource.kmsMasterKeyId = keyArn;
  resource.kmsDataKeyReusePeriodSeconds = KEY_REUSE_SECONDS;
}

/** Makes the queues of the drivers that the stage deploys. */
export class DriverQueues extends Construct {
  readonly all: readonly DriverQueue[];

  readonly #encryption: Encryption;

  constructor(scope: Construct, id: string, common: Omit<DriverQueueProps, 'driver'>) {
    super(scope, id);
    this.#encryption = common.encryption;
    this.all = common.stage.drivers.map((driver) => new DriverQueue(this, driver, { ...common, driver }));
  }

  get urls(): Record<string, string> {
    return Object.fromEntries(this.all.map(({ driver, queue }) => [driver, queue.queueUrl]));
  }

  get deadLetterUrls(): Record<string, string> {
    return Object.fromEntries(this.all.map(({ driver, deadLetters }) => [driver, deadLetters.queueUrl]));
  }

  /**
   * Passes the URLs of all queues to a function, without the right to send. `connectSender` also grants that
   * right.
   */
  tellUrls(to: AppFunction): void {
    to.set({ QUEUE_URLS: Stack.of(this).toJsonString(this.urls) });
  }

  /**
   * Passes the URLs of all queues to a function, and grants the function the right to send messages.
   *
   * @param to queues that the function may send to
   */
  connectSender(sender: AppFunction, to: readonly DriverQueue[] = this.all): void {
    this.tellUrls(sender);
    this.#allowSend(sender, to);
  }

  /**
   * Grants a state machine's role the right to send messages. The state machine gets the queue's URL in its
   * input.
   */
  allowSend(sender: IGrantable): void {
    this.#allowSend(sender, this.all);
    this.#encryption.allowUse(sender, 'sqs');
  }

  #allowSend(sender: IGrantable, to: readonly DriverQueue[]): void {
    sender.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: to.map(({ queue }) => queue.queueArn) }),
    );
  }
}
