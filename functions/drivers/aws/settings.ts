import type { EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { OutgoingConnections } from '../contract/outgoing-connections.ts';
import { type DriverClock, within } from '../contract/surroundings.ts';
import { domainOf, iamHomeOf } from './partitions.ts';

/** Time limit of the SDK's request handler, in ms. `inTime` ends a call one second later. */
export const CALL_TIMEOUT_MS = 14_000;
const CONNECTION_TIMEOUT_MS = 3_000;

/** Sends the SDK's requests, or has the settings of the SDK's own handler. */
export type RequestHandler = Exclude<EC2ClientConfig['requestHandler'], undefined>;

/** Returns the settings of the SDK's handler that sends requests over connections whose addresses are checked. */
export function handlerThrough({ http, https }: OutgoingConnections): RequestHandler {
  return {
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: CALL_TIMEOUT_MS,
    throwOnRequestTimeout: true,
    httpAgent: http,
    httpsAgent: https,
  };
}

/** The settings that all SDK clients share. */
export interface ClientSettings {
  region: string;
  endpoint: string;
  maxAttempts: number;
  requestHandler: RequestHandler;
}

/**
 * Returns settings for an SDK client. Retries are off, because the governor must see each answer. The endpoint is
 * always set: otherwise the SDK would use AWS_ENDPOINT_URL, which is the endpoint of the deployment's own AWS services,
 * and not of users' clouds.
 */
export function clientSettings(
  service: 'ec2' | 'kms' | 'monitoring' | 'servicequotas' | 'ssm' | 'sts',
  region: string,
  endpoint: string | undefined,
  requestHandler: RequestHandler,
): ClientSettings {
  return {
    region,
    endpoint: endpoint ?? `https://${service}.${region}.${domainOf(region)}`,
    maxAttempts: 1,
    requestHandler,
  };
}

/** Returns settings for a client of IAM, which has one address for each partition. The region signs the requests. */
export function iamSettings(
  homeRegion: string,
  endpoint: string | undefined,
  requestHandler: RequestHandler,
): ClientSettings {
  const { host, region } = iamHomeOf(homeRegion);
  return { ...clientSettings('sts', homeRegion, endpoint ?? `https://${host}`, requestHandler), region };
}

/**
 * Limits the duration of a whole call. The request handler's own time-outs end when the answer's
 * headers arrive. The time-outs do not end a call whose body arrives slowly.
 */
export async function inTime<Answer>(
  clock: DriverClock,
  send: (options: { abortSignal: AbortSignal }) => Promise<Answer>,
): Promise<Answer> {
  return await within(clock, CALL_TIMEOUT_MS + 1_000, (abortSignal) => send({ abortSignal }));
}
