import { Duration, Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { DriverName } from '../../functions/model/connection.ts';
import type { Stage } from '../settings/config.ts';
import { AppFunction, type FunctionContext } from './function.ts';

/**
 * Waiting, for a permit or for a service of AWS, is a message sent anew, so this many receives are failures, not waits.
 * With the waits between them (`retryAfterMs` in functions/platform/worker/patience.ts) they take some 20 minutes; as many
 * receives by workers that died, or by a function that Lambda throttles, take 12 in production.
 */
const RECEIVES_BEFORE_DEAD_LETTER = 10;

/**
 * How long a message rests after its worker died, beyond the worker's time limit. A message must not come back while
 * a worker may still be at it: for its time limit, from when Lambda has begun; this is for beginning, as a new process
 * has ten seconds to start (docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). AWS advises six time
 * limits, so that Lambda can try again for longer when it throttles a function that it has received messages for
 * (docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html): with `maxConcurrency` it receives no more than
 * it may hand over, and there is no batching window, so that only an account without any concurrency left throttles.
 * The price of six would be that all that a dead worker had in its hands rests for that long. One that comes back too
 * early does no harm: claims are waited for by themselves.
 */
const BEGINNING_SECONDS = 10;

/** One driver's queue and dead-letter queue. */
export class DriverQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly driver: DriverName;

  constructor(scope: Construct, id: string, { driver, stage }: { driver: DriverName; stage: Stage }) {
    super(scope, id);
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
  }

  /** Makes the function that works the queue off; what it may reach is up to the caller. */
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
        maxConcurrency: context.stage.driverConcurrency,
        reportBatchItemFailures: true,
      }),
    );
    return consumer;
  }
}

/** The queues of the drivers that the stage deploys. */
export class DriverQueues extends Construct {
  readonly all: readonly DriverQueue[];

  constructor(scope: Construct, id: string, { stage }: { stage: Stage }) {
    super(scope, id);
    this.all = stage.drivers.map((driver) => new DriverQueue(this, driver, { driver, stage }));
  }

  get urls(): Record<string, string> {
    return Object.fromEntries(this.all.map(({ driver, queue }) => [driver, queue.queueUrl]));
  }

  get deadLetterUrls(): Record<string, string> {
    return Object.fromEntries(this.all.map(({ driver, deadLetters }) => [driver, deadLetters.queueUrl]));
  }

  /** Tells a function the URLs of all queues: it hands them on, or sends to some with `connectSender`. */
  tellUrls(to: AppFunction): void {
    to.set({ QUEUE_URLS: Stack.of(this).toJsonString(this.urls) });
  }

  /** @param to the queues that it may send to */
  connectSender(sender: AppFunction, to: readonly DriverQueue[] = this.all): void {
    this.tellUrls(sender);
    this.#allowSend(sender, to);
  }

  /** For the role of a state machine, which learns the URL from its input. */
  allowSend(sender: IGrantable): void {
    this.#allowSend(sender, this.all);
  }

  #allowSend(sender: IGrantable, to: readonly DriverQueue[]): void {
    sender.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: to.map(({ queue }) => queue.queueArn) }),
    );
  }
}
