import type { EC2ClientConfig, EC2ClientResolvedConfig } from '@aws-sdk/client-ec2';
import { type DriverClock, within } from '../contract/surroundings.ts';

/** The longest time that one call may take, all of it. */
export const CALL_TIMEOUT_MS = 14_000;
const CONNECTION_TIMEOUT_MS = 3_000;

/** What carries the SDK's requests; its own over HTTPS where none is given. */
export type RequestHandler = EC2ClientResolvedConfig['requestHandler'];

/** What all clients of the SDK are made with. */
export interface ClientSettings {
  region: string;
  endpoint: string;
  maxAttempts: number;
  requestHandler: Exclude<EC2ClientConfig['requestHandler'], undefined>;
}

/**
 * The SDK tries nothing twice: the governor must see each answer. It is told the address, as it would else heed
 * AWS_ENDPOINT_URL: that is where the deployment's own services are, and not its users' machines.
 */
export function clientSettings(
  service: 'ec2' | 'ssm' | 'sts',
  region: string,
  endpoint: string | undefined,
  requestHandler?: RequestHandler,
): ClientSettings {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return {
    region,
    endpoint: endpoint ?? `https://${service}.${region}.${domain}`,
    maxAttempts: 1,
    requestHandler: requestHandler ?? {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: CALL_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  };
}

/** The handler's time-outs are about silence; this one ends a call whose answer trickles, too. */
export async function inTime<Answer>(
  clock: DriverClock,
  send: (options: { abortSignal: AbortSignal }) => Promise<Answer>,
): Promise<Answer> {
  return await within(clock, CALL_TIMEOUT_MS + 1_000, (abortSignal) => send({ abortSignal }));
}
