import { CLOUDS } from '../../model/cloud.ts';
import type { Driver } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { SimClient } from './client.ts';
import { cloudAddress, type Send, SimTransport } from './transport.ts';

/** What the simulated clouds allow an account to be called. */
const ACCOUNT = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** What can stand in a header. */
const API_KEY = /^[\x21-\x7e]+$/;

/** The driver of the simulated clouds, over whatever carries its requests. */
export function createSimDriver(send: Send): Driver {
  return {
    name: 'sim',
    clouds: CLOUDS,
    credentialFields: [
      {
        name: 'account',
        description: 'Any name; limits, quotas and books are kept for each account apart',
        secret: false,
        required: true,
      },
      {
        name: 'apiKey',
        description: 'Asked for only where the simulated clouds are told to ask this account for it',
        secret: true,
        required: false,
      },
    ],
    // A submit takes up to 1.5 s and lists may be 3 s behind.
    consistencyWindowMs: 5_000,
    connect({ cloud, credential, endpoint, deploymentId }) {
      if (endpoint === undefined) {
        throw new DriverError(
          'InvalidRequest',
          'the simulated clouds have no address of their own: give an endpoint',
        );
      }
      if (!ACCOUNT.test(credential['account'] ?? '')) {
        throw new DriverError(
          'InvalidRequest',
          'credential field account: 1 to 64 letters, digits and . _ @ -, beginning with a letter or digit',
        );
      }
      if (!API_KEY.test(credential['apiKey'] ?? 'none')) {
        throw new DriverError('InvalidRequest', 'credential field apiKey: printable ASCII without spaces');
      }
      return new SimClient(new SimTransport(cloudAddress(endpoint, cloud), credential, send), deploymentId);
    },
  };
}

export const simDriver: Driver = createSimDriver((request) => fetch(request));
