import { credentialError } from '../credentials.ts';
import { defineDriver } from '../define-driver.ts';
import type { Driver } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { AwsClient } from './client.ts';
import { keysOf } from './credentials.ts';
import { awsMetadata } from './metadata.ts';
import { clientSettings } from './settings.ts';

const HOME_REGION = 'us-east-1';

export const awsDriver: Driver = defineDriver(awsMetadata, ({ credential, endpoint, deploymentId }) => {
  const wrong = credentialError(awsMetadata, credential);
  if (wrong) throw wrong;
  if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw new DriverError('InvalidRequest', 'the endpoint must be an http or https address');
  }
  const homeRegion = credential['homeRegion'] ?? HOME_REGION;
  const keys = keysOf(credential, clientSettings('sts', homeRegion, endpoint), deploymentId);
  return new AwsClient({ endpoint, homeRegion, keys }, deploymentId);
});
