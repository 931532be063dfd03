import { credentialError } from '../contract/credentials.ts';
import { defineDriver } from '../contract/define-driver.ts';
import type { Driver } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { type DriverClock, type Send, systemTime } from '../contract/surroundings.ts';
import { SimClient } from './client.ts';
import { simMetadata } from './metadata.ts';
import { cloudAddress, SimTransport } from './transport.ts';

/** Creates the driver of the simulated clouds. @param send sends the driver's requests */
export function createSimDriver(send: Send, clock: DriverClock = systemTime): Driver {
  return defineDriver(simMetadata, ({ cloud, credential, endpoint, deploymentId, calls }) => {
    if (endpoint === undefined) {
      throw new DriverError(
        'InvalidRequest',
        'the driver does not know the address of the simulated clouds: give the connection an endpoint',
      );
    }
    const wrong = credentialError(simMetadata, credential);
    if (wrong) throw wrong;
    const transport = new SimTransport(cloudAddress(endpoint, cloud), credential, calls, send, clock);
    return new SimClient(transport, deploymentId);
  });
}
