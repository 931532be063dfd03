import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';

/** How long one call of a service may take, and how often it is tried. */
export interface CallLimits {
  /** Until the connection stands. */
  connectionTimeoutMs: number;
  /** Of each attempt: until its answer begins, and of each silence within the answer. */
  requestTimeoutMs: number;
  /** Tries of one call in all, the first one included; from the second on after a pause of the SDK's. */
  maxAttempts: number;
}

const USUAL: CallLimits = { connectionTimeoutMs: 1_000, requestTimeoutMs: 5_000, maxAttempts: 3 };

/**
 * The limits of each service of our own account that functions call. A call on dead sockets is over before the
 * shortest time limit of a function (20 seconds), so that its caller can still say what happened. No call here waits
 * for something at the service: Lambda polls the queues, and workflows wait by task tokens.
 */
export const CALL_LIMITS = {
  // It answers within milliseconds, and refuses a hot key for less than a second: rather one try more, each a second
  // shorter.
  dynamodb: { ...USUAL, requestTimeoutMs: 4_000, maxAttempts: 4 },
  // A message that was sent twice is handled once, and one that was not sent fails its caller.
  sqs: USUAL,
  // Executions have names and task tokens are spent once: a second try that finds the first one done is harmless.
  'step-functions': USUAL,
  // It allows few writes a second. Who makes many calls (a poll, a sweep) tries again by the queue, and not here.
  ssm: USUAL,
  // An event may come twice. What a sweep could not tell, the next one tells.
  eventbridge: USUAL,
} as const satisfies Record<string, CallLimits>;

/** The part of a client's configuration that says how long it waits and how often it tries. */
export interface ClientSettings {
  maxAttempts: number;
  requestHandler: {
    connectionTimeout: number;
    requestTimeout: number;
    socketTimeout: number;
    throwOnRequestTimeout: true;
  };
}

/** Sockets are kept and used again: that is what the SDK's handler does when it is given no agent. */
export function clientSettings({
  connectionTimeoutMs,
  requestTimeoutMs,
  maxAttempts,
}: CallLimits): ClientSettings {
  return {
    maxAttempts,
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      // The request's time-out is over when the answer begins; this one also ends an answer that stops half-way.
      socketTimeout: requestTimeoutMs,
      // Without it, the SDK only logs that the time is over.
      throwOnRequestTimeout: true,
    },
  };
}

export function openSqsClient(limits: CallLimits = CALL_LIMITS.sqs): SQSClient {
  return new SQSClient(clientSettings(limits));
}

export function openSfnClient(limits: CallLimits = CALL_LIMITS['step-functions']): SFNClient {
  return new SFNClient(clientSettings(limits));
}

export function openSsmClient(limits: CallLimits = CALL_LIMITS.ssm): SSMClient {
  return new SSMClient(clientSettings(limits));
}

export function openEventBridgeClient(limits: CallLimits = CALL_LIMITS.eventbridge): EventBridgeClient {
  return new EventBridgeClient(clientSettings(limits));
}
