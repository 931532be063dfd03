import type { DriverName } from '../model/connection.ts';
import { awsMetadata } from './aws/metadata.ts';
import { cbSpiderMetadata } from './cb-spider/metadata.ts';
import type { DriverMetadata } from './contract/metadata.ts';
import { openstackMetadata } from './openstack/metadata.ts';
import { simMetadata } from './sim/metadata.ts';

/** A driver's metadata, with the name by which connections refer to the driver. */
export type Registered<Name extends DriverName = DriverName> = DriverMetadata & { readonly name: Name };

/**
 * Lists the metadata of every driver, for code that describes, checks or deploys drivers. This file imports only data.
 * Only a driver's own Lambda function imports the driver's code, so that no other bundle contains the SDK of the
 * driver's cloud.
 */
export const DRIVERS: { readonly [Name in DriverName]: Registered<Name> } = {
  sim: simMetadata,
  aws: awsMetadata,
  openstack: openstackMetadata,
  'cb-spider': cbSpiderMetadata,
};

/** The drivers that can be deployed. */
export const REGISTERED_DRIVERS: readonly Registered[] = Object.values(DRIVERS);
