import type { DriverName } from '../model/connection.ts';
import { awsMetadata } from './aws/metadata.ts';
import { cbSpiderMetadata } from './cb-spider/metadata.ts';
import type { DriverMetadata } from './contract/metadata.ts';
import { openstackMetadata } from './openstack/metadata.ts';
import { simMetadata } from './sim/metadata.ts';

/** A driver's metadata under the name that connections have for it. */
export type Registered<Name extends DriverName = DriverName> = DriverMetadata & { readonly name: Name };

/**
 * What is known of every driver, for those who describe, check or deploy drivers. Data alone: a driver's code is
 * imported by its own function and nothing else, so that no cloud's SDK is in another's bundle.
 */
export const DRIVERS: { readonly [Name in DriverName]: Registered<Name> } = {
  sim: simMetadata,
  aws: awsMetadata,
  openstack: openstackMetadata,
  'cb-spider': cbSpiderMetadata,
};

/** Drivers that can be deployed. */
export const REGISTERED_DRIVERS: readonly Registered[] = Object.values(DRIVERS);
