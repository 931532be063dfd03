import type { Credential } from '../../model/connection.ts';
import type { CallGate } from './call-gate.ts';
import type { Capabilities } from './capabilities.ts';
import type { CloudClient, ConnectOptions, Driver } from './driver.ts';
import { DriverError } from './errors.ts';
import { guardClient } from './guard-client.ts';
import { guardError } from './guard-error.ts';
import type { CapabilityName, DriverMetadata } from './metadata.ts';
import { Secrets } from './secrets.ts';

/**
 * Makes a driver from its metadata and the function that opens its clients. The compiler checks that the clients have
 * all methods of each declared capability, and no method of any other capability.
 *
 * `guard-client.ts` shortens the messages that a client returns or throws, and removes secrets from them. A driver that
 * obtains further secrets with the credential, such as a token or session keys, must add each of them to `secrets`.
 */
export function defineDriver<const Metadata extends DriverMetadata>(
  metadata: Metadata,
  connect: (options: ConnectOptions, secrets: Secrets) => CapableClient<Metadata['capabilities'][number]>,
): Driver {
  return {
    ...metadata,
    connect: (options) => {
      const secrets = new Secrets(secretValuesOf(metadata, options.credential));
      try {
        const calls = guardGate(options.calls, secrets);
        return guardClient<CloudClient>(connect({ ...options, calls }, secrets), secrets);
      } catch (error) {
        throw guardError(error, secrets);
      }
    },
  };
}

/** Wraps the call gate. Removes secrets from each error before the gate logs the error. */
function guardGate(calls: CallGate, secrets: Secrets): CallGate {
  return {
    send: (call, request) =>
      calls.send(call, async (permit) => {
        try {
          return await request(permit);
        } catch (error) {
          throw error instanceof DriverError ? guardError(error, secrets) : error;
        }
      }),
  };
}

/** Returns the values of secret fields, and of fields that the driver does not declare. */
function secretValuesOf(
  { credentialFields }: Pick<DriverMetadata, 'credentialFields'>,
  credential: Credential,
): string[] {
  const told = new Set(credentialFields.filter(({ secret }) => !secret).map(({ name }) => name));
  return Object.entries(credential).flatMap(([name, value]) => (told.has(name) ? [] : [value]));
}

type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;
type MethodsOf<Name extends CapabilityName> = Name extends unknown ? keyof Capabilities[Name] : never;

/** A client with exactly these capabilities. */
export type CapableClient<Name extends CapabilityName> = CloudClient &
  ([Name] extends [never] ? unknown : Intersection<Capabilities[Name]>) & {
    readonly [Method in MethodsOf<Exclude<CapabilityName, Name>>]?: never;
  };
