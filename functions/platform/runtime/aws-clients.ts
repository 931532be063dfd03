import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';

export interface CallLimits {
  /** Time limit for opening the connection. */
  connectionTimeoutMs: number;
  /** Time limit of each attempt until its answer begins, and of each pause within the answer. */
  requestTimeoutMs: number;
  /** Maximum number of attempts of one call, including the first. The SDK pauses before each further attempt. */
  maxAttempts: number;
}

const USUAL: CallLimits = { connectionTimeoutMs: 1_000, requestTimeoutMs: 5_000, maxAttempts: 3 };

/**
 * Limits for each AWS service in the deployment's own account that functions call. Even a call on a dead socket ends
 * before the shortest time limit of a function (20 seconds), so that the caller can still report the error. The limits
 * can be this short because no call is a long poll: Lambda polls the queues, and workflows wait with task tokens.
 */
export const CALL_LIMITS = {
  // DynamoDB answers within milliseconds, and throttles a hot key for less than a second. Compared with `USUAL`, it
  // gets one more attempt, and each attempt is a second shorter.
  dynamodb: { ...USUAL, requestTimeoutMs: 4_000, maxAttempts: 4 },
  // Retries are safe, because a message that is sent twice takes effect once. If a message cannot be sent, the call
  // throws.
  sqs: USUAL,
  // Retries are safe, because executions have names and a task token can be used only once.
  'step-functions': USUAL,
  // Parameter Store allows few writes a second. If all attempts of a worker are throttled, its queue message is
  // delivered again.
  ssm: USUAL,
  // Retries are safe, because events may be delivered twice. Events that a sweep could not publish are published by the
  // next sweep.
  eventbridge: USUAL,
  // Retries are safe, because an object that is written twice has the same content.
  s3: USUAL,
} as const satisfies Record<string, CallLimits>;

/** Time-outs and number of attempts, in the form of an SDK client's configuration. */
export interface ClientSettings {
  maxAttempts: number;
  requestHandler: {
    connectionTimeout: number;
    requestTimeout: number;
    socketTimeout: number;
    throwOnRequestTimeout: true;
  };
}

/** Returns the settings of a client. They name no HTTP agent, because the SDK's handler reuses sockets by default. */
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
      // `requestTimeout` applies until the answer begins. `socketTimeout` also ends a call whose answer stops half-way.
      socketTimeout: requestTimeoutMs,
      // Without this, the SDK only logs that the request timed out.
      throwOnRequestTimeout: true,
    },
  };
}

/**
 * Takes the SDK's log of calls out of a client. No function has such a log, but the SDK copies each request and each
 * answer for it: about a tenth of what a call to DynamoDB computes.
 */
export function withoutCallLog<Client extends { middlewareStack: { remove(name: string): boolean } }>(
  client: Client,
): Client {
  if (!client.middlewareStack.remove('loggerMiddleware'))
    throw new Error('the SDK client has no log of calls');
  return client;
}

export function openSqsClient(limits: CallLimits = CALL_LIMITS.sqs): SQSClient {
  return withoutCallLog(new SQSClient(clientSettings(limits)));
}

export function openSfnClient(limits: CallLimits = CALL_LIMITS['step-functions']): SFNClient {
  return withoutCallLog(new SFNClient(clientSettings(limits)));
}

/** @param keyId the KMS key of SecureStrings that the client stores; absent: the account's key `aws/ssm` */
export function openSsmClient(limits: CallLimits = CALL_LIMITS.ssm, keyId?: string): SSMClient {
  const client = withoutCallLog(new SSMClient(clientSettings(limits)));
  if (keyId === undefined) return client;
  client.middlewareStack.add(
    (next) => (args) =>
      'Type' in args.input && args.input.Type === 'SecureString'
        ? next({ ...args, input: { ...args.input, KeyId: keyId } })
        : next(args),
    { step: 'initialize', name: 'encryptWithKey' },
  );
  return client;
}

export function openEventBridgeClient(limits: CallLimits = CALL_LIMITS.eventbridge): EventBridgeClient {
  return withoutCallLog(new EventBridgeClient(clientSettings(limits)));
}

export function openS3Client(limits: CallLimits = CALL_LIMITS.s3): S3Client {
  return withoutCallLog(new S3Client(clientSettings(limits)));
}
