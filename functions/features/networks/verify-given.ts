import { has, type NetworkFault } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import type { FieldError } from '../../model/field-error.ts';
import { parseConnectionKey } from '../../model/identifiers.ts';
import type { GivenNetwork, SiteNetwork } from '../../model/network-choice.ts';
import type { SiteRef } from '../../platform/worker/context.ts';

/** A given network as it stands in the spec of a fleet. */
export type GivenSite = Extract<SiteNetwork, { mode: 'existing' }>;

/** Asks the cloud what is wrong with a given network. @throws DriverError if the cloud does not answer */
export async function faultsOf(
  client: CloudClient,
  location: string,
  given: GivenNetwork,
): Promise<NetworkFault[]> {
  if (has(client, 'existing-networks')) return await client.verifyNetwork(location, given);
  throw new DriverError('Unsupported', 'the driver cannot verify existing networks');
}

/**
 * Verifies the given network of a fleet at a site before anything is made there.
 *
 * @returns the failure of the site, with an error for each fault; undefined if the network can be used
 * @throws DriverError if the cloud does not answer
 */
export async function refusalOf(
  client: CloudClient,
  site: SiteRef,
  { given, pointer }: GivenSite,
): Promise<Failure | undefined> {
  const faults = await faultsOf(client, site.location, given);
  const errors = faults.map((fault) => errorOf(fault, site, pointer));
  const [first] = errors;
  if (!first) return undefined;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const message = `network ${given.networkId} at ${site.location} cannot be used: ${first.message}${more}`;
  return { code: 'InvalidRequest', message, errors };
}

/** The entry of a connection is no part of the request of the fleet, so that its error says where it stands. */
function errorOf(
  { pointer: within, code, message }: NetworkFault,
  { connectionKey, location }: SiteRef,
  pointer: string,
): FieldError {
  if (pointer !== OF_CONNECTION) return { pointer: `${pointer}${within}`, code, message };
  const { name } = parseConnectionKey(connectionKey);
  return {
    pointer,
    code,
    message: `${within} of the network of connection ${name} at ${location}: ${message}`,
  };
}

/** `pointer` of an entry that the connection has, and the request has not. */
const OF_CONNECTION = '/network';
