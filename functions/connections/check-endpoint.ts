import { isForbiddenHost } from '../drivers/forbidden-hosts.ts';

/**
 * @param need of the driver: whether its cloud has an address of its own
 * @param overridesAllowed of the deployment; where it is not, an endpoint that is needed has to be https
 * @returns why an endpoint may not be used; undefined when it may
 */
export function endpointError(
  endpoint: string,
  need: 'own' | 'required' | undefined,
  overridesAllowed: boolean,
): { code: string; message: string } | undefined {
  const url = new URL(endpoint);
  if (!overridesAllowed && need !== 'required') {
    return {
      code: 'endpoint-not-allowed',
      message: "this deployment does not let connections override their cloud's endpoint",
    };
  }
  if (!overridesAllowed && url.protocol !== 'https:') {
    return { code: 'endpoint-not-https', message: 'must be an https address in this deployment' };
  }
  return isForbiddenHost(url.hostname)
    ? { code: 'endpoint-forbidden', message: 'is a link-local or metadata address' }
    : undefined;
}
