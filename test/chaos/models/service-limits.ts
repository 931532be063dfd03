import type { CallLimits } from '../../../functions/platform/runtime/aws-clients.ts';
import { type BucketRate, TokenBucket } from '../../../local/sim/engine/token-bucket.ts';
import type { Ground } from '../ground/ground.ts';
import type { Process } from '../ground/process.ts';
import type { Scaling } from './pollers.ts';

/** Limits of the AWS services under Fleetwright, each for one account and region. */
export interface ServiceLimits {
  /** Batches of each queue that Lambda handles together. */
  batches: Scaling;
  /** States that workflows enter, and retries of tasks. A transition above the rate is delayed. */
  stateTransitions: BucketRate;
  /** Requests above these rates are refused with a ThrottlingException. */
  startExecution: BucketRate;
  describeExecution: BucketRate;
  /** SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat together. */
  sendTask: BucketRate;
  getParameter: BucketRate;
  putParameter: BucketRate;
}

/**
 * Default limits in a region other than us-east-1, us-west-2 and eu-west-1, where Step Functions allows more.
 *
 * Lambda: docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html. Step Functions: docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html. Parameter Store:
 * docs.aws.amazon.com/general/latest/gr/ssm.html, with the throughput setting `default`. Parameter Store publishes no
 * burst. Here, its burst is what the rate allows in one second. A rate of DeleteParameter is not published.
 */
export const SMALL_REGION: ServiceLimits = {
  batches: { first: 5, addedPerMinute: 300 },
  stateTransitions: { perSecond: 500, burst: 800 },
  startExecution: { perSecond: 150, burst: 800 },
  describeExecution: { perSecond: 10, burst: 250 },
  sendTask: { perSecond: 300, burst: 1_500 },
  getParameter: { perSecond: 40, burst: 40 },
  putParameter: { perSecond: 3, burst: 3 },
};

/** Base of the SDK's delays after a throttle, in ms (`THROTTLING_RETRY_DELAY_BASE` of `@smithy/core/retry`). */
const RETRY_BASE_MS = 500;
const MAX_RETRY_DELAY_MS = 20_000;

/** Thrown if a service has throttled all attempts of a request. */
class ThrottlingException extends Error {
  override readonly name = 'ThrottlingException';
}

/** One rate of a service, shared by all processes. */
export class ServiceRate {
  readonly #ground: Ground;
  readonly #bucket: TokenBucket | undefined;
  /** Resolves when the delayed transitions before the next one have their tokens. */
  #turn: Promise<void> = Promise.resolve();
  /** Number of requests that were refused, and of transitions that were delayed. */
  throttled = 0;

  /** @param rate omit it for a service that throttles nothing */
  constructor(ground: Ground, rate: BucketRate | undefined) {
    this.#ground = ground;
    this.#bucket = rate && new TokenBucket(rate, ground.now());
  }

  /**
   * Sends a request as the SDK does: after a throttle again, up to `maxAttempts` times in total, with a random delay
   * before each repetition.
   *
   * @throws ThrottlingException if all attempts are throttled
   */
  async call<Result>(
    process: Process,
    { what, maxAttempts }: { what: string } & Pick<CallLimits, 'maxAttempts'>,
    effect: () => Result | Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await process.call(what, () => {
          this.#take(what);
          return effect();
        });
      } catch (error) {
        if (!(error instanceof ThrottlingException) || attempt >= maxAttempts) throw error;
        const { random } = this.#ground;
        const mostMs = Math.min(MAX_RETRY_DELAY_MS, RETRY_BASE_MS * 2 ** (attempt - 1));
        await process.clock.sleep(random.between(0, mostMs));
      }
    }
  }

  #take(what: string): void {
    if (!this.#bucket) return;
    if (this.#bucket.waitMs(this.#ground.now()) > 0) {
      this.throttled += 1;
      throw new ThrottlingException(`${what}: rate exceeded`);
    }
    this.#bucket.take();
  }

  /** Returns a function that waits for a token, in the order of the calls; undefined if nothing is throttled. */
  get inTurn(): (() => Promise<void>) | undefined {
    const bucket = this.#bucket;
    if (!bucket) return undefined;
    return () => {
      this.#turn = this.#turn.then(() => this.#next(bucket));
      return this.#turn;
    };
  }

  async #next(bucket: TokenBucket): Promise<void> {
    const waitMs = bucket.waitMs(this.#ground.now());
    if (waitMs > 0) {
      this.throttled += 1;
      await this.#ground.scheduler.sleep(waitMs);
      bucket.waitMs(this.#ground.now());
    }
    bucket.take();
  }
}

/** The rates of all services of one account and region. */
export class ServiceMeters {
  readonly stateTransitions: ServiceRate;
  readonly startExecution: ServiceRate;
  readonly describeExecution: ServiceRate;
  readonly sendTask: ServiceRate;
  readonly getParameter: ServiceRate;
  readonly putParameter: ServiceRate;

  /** @param limits omit them for services that throttle nothing */
  constructor(ground: Ground, limits?: ServiceLimits) {
    this.stateTransitions = new ServiceRate(ground, limits?.stateTransitions);
    this.startExecution = new ServiceRate(ground, limits?.startExecution);
    this.describeExecution = new ServiceRate(ground, limits?.describeExecution);
    this.sendTask = new ServiceRate(ground, limits?.sendTask);
    this.getParameter = new ServiceRate(ground, limits?.getParameter);
    this.putParameter = new ServiceRate(ground, limits?.putParameter);
  }
}
