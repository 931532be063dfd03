import { type AllowedAddresses, refusalText, refusedHost } from '../../drivers/contract/outgoing-address.ts';

/**
 * Checks the endpoint of a connection.
 *
 * @param need `own` if the driver knows the address of its cloud; `required` if each connection has to give
 *   an endpoint; undefined if the driver is unknown
 * @param overridesAllowed true if connections may give an endpoint even if the driver knows the address of
 *   its cloud; if false, a required endpoint has to be https
 * @param allowed addresses that are allowed although they are not public
 * @returns the reason why the endpoint is refused; undefined if it is allowed
 */
export function endpointError(
  endpoint: string,
  need: 'own' | 'required' | undefined,
  overridesAllowed: boolean,
  allowed: AllowedAddresses,
): { code: string; message: string } | undefined {
  const url = new URL(endpoint);
  if (!overridesAllowed && need !== 'required') {
    return {
      code: 'endpoint-not-allowed',
      message:
        "must be left out: this deployment does not allow connections to override their cloud's endpoint",
    };
  }
  if (!overridesAllowed && url.protocol !== 'https:') {
    return { code: 'endpoint-not-https', message: 'must be an https URL in this deployment' };
  }
  // The addresses of a name are checked when a driver connects to them.
  const refused = refusedHost(url.hostname, allowed);
  return refused
    ? { code: 'endpoint-forbidden', message: refusalText(url.hostname, refused) }
    : formError(endpoint, url);
}

/**
 * Checks that an endpoint consists of an origin and a path, in normal form. A URL parser also accepts other
 * forms (`http://2130706433`, a line break, `/../`). The parser then uses an address that differs from the
 * text.
 */
function formError(endpoint: string, url: URL): { code: string; message: string } | undefined {
  const wrong = (message: string) => ({ code: 'invalid-format', message });
  if (url.username !== '' || url.password !== '') {
    return wrong('must have no user and no password: put them into the credential');
  }
  if (/[?#]/.test(endpoint)) return wrong('must have no query and no fragment');
  const plain = url.href.replace(/\/$/, '');
  return endpoint.replace(/\/$/, '') === plain ? undefined : wrong(`must be written as ${plain}`);
}
