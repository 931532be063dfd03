/** The longest time that one call may take, all of it. */
export const CALL_TIMEOUT_MS = 14_000;
const CONNECTION_TIMEOUT_MS = 3_000;

/** What all clients of the SDK are made with. */
export interface ClientSettings {
  region: string;
  endpoint: string;
  maxAttempts: number;
  requestHandler: { connectionTimeout: number; requestTimeout: number; throwOnRequestTimeout: boolean };
}

/**
 * The SDK tries nothing twice: the governor must see each answer. It is told the address, as it would else heed
 * AWS_ENDPOINT_URL: that is where the deployment's own services are, and not its users' machines.
 */
export function clientSettings(
  service: 'ec2' | 'ssm' | 'sts',
  region: string,
  endpoint: string | undefined,
): ClientSettings {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return {
    region,
    endpoint: endpoint ?? `https://${service}.${region}.${domain}`,
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: CALL_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  };
}

/** The handler's time-outs are about silence; this one ends a call whose answer trickles, too. */
export function callTimeout(): { abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS + 1_000) };
}
