import { credentialError } from '../contract/credentials.ts';
import { defineDriver } from '../contract/define-driver.ts';
import type { Driver } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { type DriverClock, type Send, systemTime } from '../contract/surroundings.ts';
import { CbSpiderClient } from './client.ts';
import { cbSpiderMetadata } from './metadata.ts';
import { splitCredential } from './providers.ts';
import { SpiderTransport } from './transport.ts';

/** Creates the driver of clouds behind a CB-Spider server. The driver uses the server's REST API. */
export function createCbSpiderDriver(send: Send, clock: DriverClock = systemTime): Driver {
  return defineDriver(
    cbSpiderMetadata,
    ({ cloud, credential, endpoint, deploymentId, connectionKey, calls, isTrial = false }) => {
      if (endpoint === undefined) {
        throw new DriverError(
          'InvalidRequest',
          'the driver does not know the address of CB-Spider: give the connection an endpoint',
        );
      }
      if (connectionKey === undefined) {
        throw new DriverError(
          'InvalidRequest',
          'the driver needs the name of the connection, because CB-Spider stores machines by connection',
        );
      }
      const wrong = credentialError(cbSpiderMetadata, credential);
      if (wrong) throw wrong;
      const { username, password, keyValues } = splitCredential(cloud, credential);
      return new CbSpiderClient({
        transport: new SpiderTransport(endpoint, username, password, calls, send, clock, cloud),
        cloud,
        deploymentId,
        connectionKey,
        keyValues,
        password,
        isTrial,
      });
    },
  );
}
