/** Seconds that a function of the API has; below the 30 after which the gateway gives up. */
export const API_SECONDS = 20;
/** Seconds that a step of a workflow has. */
export const STEP_SECONDS = 60;
/** Seconds that a function on a schedule has; the most frequent come each minute. */
export const SCHEDULED_SECONDS = 50;
/** How often requests are looked for that died over what they had begun. */
export const FINISH_CHANGES_MINUTES = 10;

/**
 * Waiting, for a permit or for a service of AWS, is a message sent anew, so this many receives are failures, not waits.
 * With the waits between them (`retryAfterMs` in functions/platform/worker/backoff.ts) they take some 20 minutes; as many
 * receives by workers that died, or by a function that Lambda throttles, take 12 in production.
 */
export const RECEIVES_BEFORE_DEAD_LETTER = 10;

/**
 * How long a message stays hidden after its worker died, beyond the worker's time limit. A message must not come back
 * while a worker may still be at it: for its time limit, from when Lambda has begun; this is for beginning, as a new
 * process has ten seconds to start (docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). AWS advises
 * six time limits, so that Lambda can try again for longer when it throttles a function that it has received messages
 * for (docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html): with `maxConcurrency` it receives no more
 * than it may hand over, and there is no batching window, so that only an account without any concurrency left
 * throttles. The price of six would be that all that a dead worker had received stays hidden for that long. One that
 * comes back too early does no harm: claims are waited for by themselves.
 */
export const BEGINNING_SECONDS = 10;
