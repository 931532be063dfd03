import { CLOUDWATCH, DYNAMODB, HTTP_API, LAMBDA, SQS, STEP_FUNCTIONS } from '../../infra/prices.ts';
import { addUse, type FunctionUse, NO_USE } from './function-logs.ts';
import type { WorkflowUse } from './transitions.ts';

/** Resources that a number of instances used together. */
export interface PhaseCounts {
  instances: number;
  /** Requests to the HTTP API. */
  apiRequests: number;
  cloudCalls: number;
  readUnits: number;
  writeUnits: number;
  sqsRequests: number;
  transitions: number;
  invocations: number;
  gbSeconds: number;
  logBytes: number;
}

/** A batch needs one receive and one delete. */
const SQS_REQUESTS_PER_BATCH = 2;
/**
 * Bytes that CloudWatch adds to each log event. An invocation has three events of Lambda and one of the
 * function.
 */
const LOG_BYTES_ADDED_PER_INVOCATION = 4 * 26;

/**
 * @param functions resources that each function used, by the function's name. The names of queue consumers begin with
 *   `drivers-`, those of the API's functions with `api-`
 * @param cloudCalls cloud calls, counted by the clouds
 */
export function countPhase(
  instances: number,
  functions: ReadonlyMap<string, FunctionUse>,
  workflows: WorkflowUse,
  cloudCalls: number,
): PhaseCounts {
  const all = [...functions.values()].reduce(addUse, NO_USE);
  const invocationsOf = (prefix: string) =>
    [...functions]
      .filter(([name]) => name.startsWith(prefix))
      .reduce((sum, [, { invocations }]) => sum + invocations, 0);
  const batches = invocationsOf('drivers-');
  return {
    instances,
    apiRequests: invocationsOf('api-'),
    cloudCalls,
    readUnits: all.readUnits,
    writeUnits: all.writeUnits,
    sqsRequests: all.sqsRequests + workflows.sqsSends + batches * SQS_REQUESTS_PER_BATCH,
    transitions: workflows.transitions,
    invocations: all.invocations,
    gbSeconds: all.gbSeconds,
    logBytes: all.logBytes + all.invocations * LOG_BYTES_ADDED_PER_INVOCATION,
  };
}

/** Cost of 1,000 instances in dollars, by service. */
export interface UsdPer1000 {
  httpApi: number;
  dynamodb: number;
  sqs: number;
  stepFunctions: number;
  lambdaRequests: number;
  /** An estimate, because the durations are those of this machine. */
  lambdaTimeEstimate: number;
  logs: number;
  total: number;
}

export function usdPer1000(counts: PhaseCounts): UsdPer1000 {
  const per1000 = (usd: number) => (counts.instances === 0 ? 0 : (usd / counts.instances) * 1_000);
  const parts = {
    httpApi: per1000(counts.apiRequests * HTTP_API.usdPerRequest),
    dynamodb: per1000(
      counts.readUnits * DYNAMODB.usdPerReadUnit + counts.writeUnits * DYNAMODB.usdPerWriteUnit,
    ),
    sqs: per1000(counts.sqsRequests * SQS.usdPerRequest),
    stepFunctions: per1000(counts.transitions * STEP_FUNCTIONS.usdPerTransition),
    lambdaRequests: per1000(counts.invocations * LAMBDA.usdPerRequest),
    lambdaTimeEstimate: per1000(counts.gbSeconds * LAMBDA.usdPerGbSecond),
    logs: per1000((counts.logBytes / 1e9) * CLOUDWATCH.usdPerIngestedLogGb),
  };
  return { ...parts, total: Object.values(parts).reduce((sum, usd) => sum + usd, 0) };
}
