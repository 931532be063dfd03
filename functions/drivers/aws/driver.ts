import { credentialError } from '../contract/credentials.ts';
import { defineDriver } from '../contract/define-driver.ts';
import type { Driver } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { type DriverClock, systemTime } from '../contract/surroundings.ts';
import { AwsClient } from './client.ts';
import { keysOf } from './credentials.ts';
import { awsMetadata } from './metadata.ts';
import { homeRegionOf } from './partitions.ts';
import { clientSettings, type RequestHandler } from './settings.ts';

/**
 * Creates the driver of AWS.
 *
 * @param requestHandler sends the SDK's requests (`handlerThrough`)
 * @param ownRegion region of the function that assumes the roles of connections; absent: unknown
 */
export function createAwsDriver(
  requestHandler: RequestHandler,
  clock: DriverClock = systemTime,
  ownRegion?: string,
): Driver {
  return defineDriver(awsMetadata, ({ credential, endpoint, deploymentId, calls }, secrets) => {
    const wrong = credentialError(awsMetadata, credential);
    if (wrong) throw wrong;
    if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
      throw new DriverError('InvalidRequest', 'the endpoint must be an http or https URL');
    }
    const homeRegion = homeRegionOf(credential, ownRegion);
    const settings = clientSettings('sts', homeRegion, endpoint, requestHandler);
    const keys = keysOf(
      credential,
      settings,
      deploymentId,
      { calls, clock },
      ({ secretAccessKey, sessionToken = '' }) => secrets.add(secretAccessKey, sessionToken),
    );
    return new AwsClient({ endpoint, homeRegion, keys, requestHandler, calls, clock }, deploymentId);
  });
}
