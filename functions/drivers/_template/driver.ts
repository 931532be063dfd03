import { credentialError } from '../contract/credentials.ts';
import { defineDriver } from '../contract/define-driver.ts';
import type { Driver } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { Send } from '../contract/surroundings.ts';
import { TemplateClient } from './client.ts';
import { templateMetadata } from './metadata.ts';
import { Transport } from './transport.ts';

/** Creates the driver. @param send sends the driver's requests */
export function createTemplateDriver(send: Send): Driver {
  return defineDriver(templateMetadata, ({ credential, endpoint, deploymentId, calls }) => {
    const wrong = credentialError(templateMetadata, credential);
    if (wrong) throw wrong;
    const { apiToken } = credential;
    if (
      endpoint === undefined ||
      apiToken === undefined ||
      !/^https?:/.test(URL.parse(endpoint)?.href ?? '')
    ) {
      throw new DriverError(
        'InvalidRequest',
        'the driver does not know the address of the cloud: give the connection an https endpoint',
      );
    }
    return new TemplateClient(new Transport(endpoint, apiToken, calls, send), deploymentId);
  });
}
