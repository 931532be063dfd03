import { credentialError } from '../credentials.ts';
import { defineDriver } from '../define-driver.ts';
import type { Driver } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { SimClient } from './client.ts';
import { simMetadata } from './metadata.ts';
import { cloudAddress, type Send, SimTransport } from './transport.ts';

/** The driver of the simulated clouds, over whatever carries its requests. */
export function createSimDriver(send: Send): Driver {
  return defineDriver(simMetadata, ({ cloud, credential, endpoint, deploymentId }) => {
    if (endpoint === undefined) {
      throw new DriverError(
        'InvalidRequest',
        'the simulated clouds have no address of their own: give an endpoint',
      );
    }
    const wrong = credentialError(simMetadata, credential);
    if (wrong) throw wrong;
    return new SimClient(new SimTransport(cloudAddress(endpoint, cloud), credential, send), deploymentId);
  });
}

export const simDriver: Driver = createSimDriver((request, signal) => fetch(request, { signal }));
