import { credentialError } from '../contract/credentials.ts';
import { defineDriver } from '../contract/define-driver.ts';
import type { Driver } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { type DriverClock, type Send, systemTime } from '../contract/surroundings.ts';
import { OpenStackClient } from './client.ts';
import { openstackMetadata } from './metadata.ts';
import { Session } from './session.ts';
import { Transport } from './transport.ts';

/** Creates the driver of OpenStack clouds. @param send sends the driver's requests */
export function createOpenStackDriver(send: Send, clock: DriverClock = systemTime): Driver {
  return defineDriver(openstackMetadata, ({ credential, endpoint, deploymentId, calls }, secrets) => {
    const wrong = credentialError(openstackMetadata, credential);
    if (wrong) throw wrong;
    const transport = new Transport(calls, send, clock);
    const session = new Session(transport, identityUrl(endpoint), credential, (token) => secrets.add(token));
    return new OpenStackClient(session, transport, deploymentId);
  });
}

/**
 * Returns the root of Keystone's v3 API. Operators publish the URL of Keystone (OS_AUTH_URL) with or without the
 * version.
 */
function identityUrl(endpoint: string | undefined): string {
  const url = URL.parse(endpoint ?? '');
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new DriverError('InvalidRequest', 'the endpoint must be the http or https URL of Keystone');
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  return /\/v3$/.test(base) ? base : `${base.replace(/\/v2\.0$/, '')}/v3`;
}
