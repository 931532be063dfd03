/**
 * Time limit of an API function in seconds. API Gateway gives up after 30 seconds. A request with
 * `Prefer: wait=25` waits for 25 seconds.
 */
export const API_SECONDS = 29;
/** Time limit of a workflow step in seconds. */
export const STEP_SECONDS = 60;
/** Time limit of a scheduled function in seconds. The most frequent schedule runs each minute. */
export const SCHEDULED_SECONDS = 50;
/**
 * Interval in minutes of the schedule that finishes interrupted API requests about namespaces and
 * connections.
 */
export const FINISH_CHANGES_MINUTES = 10;

/**
 * The number of receives after which a message goes to the dead-letter queue. A message that waits for a
 * permit or for an AWS service is sent again as a new message, so only failures count as further receives.
 * With the delays between receives (`retryAfterMs` in functions/platform/worker/backoff.ts), ten receives
 * take about 20 minutes. If workers die, or Lambda throttles the function, ten receives take 12 minutes in
 * production.
 */
export const RECEIVES_BEFORE_DEAD_LETTER = 10;

/**
 * The time that a message stays hidden after its worker died, in addition to the worker's time limit. The
 * message must not return while a worker may still process it. The worker's time limit begins when the
 * invocation begins. The additional time covers the start of a new process before the invocation, which may take
 * ten seconds (docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
 *
 * AWS advises a visibility time-out of six time limits, for the case that Lambda throttles the function after
 * it has received messages for the function
 * (docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html). That is not needed here: with
 * `maxConcurrency`, Lambda receives no more messages than it can pass to the function, unless the account has
 * no free concurrency. With a visibility time-out of six time limits, all messages of a dead worker would
 * stay hidden for that time.
 *
 * A message that returns too early does no harm, because workers wait for each other's claims.
 */
export const BEGINNING_SECONDS = 10;
