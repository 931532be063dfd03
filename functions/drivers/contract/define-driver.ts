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
 * Makes a driver of its metadata and the code that opens its clients. The compiler holds the clients to the declared
 * capabilities, both ways: a declared one has all its methods, one that is not declared has none.
 *
 * Everything that a client answers or throws passes the guard here (`guard-client.ts`), so that no driver has to see
 * to it that its cloud's words are bounded and free of secrets. A driver tells `secrets` of what it is given for the
 * credential: a token, the keys of a session.
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

/** A gate that never sees a secret in an error: it logs what a cloud refused. */
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

/** Values of fields that are secret, and of those that the driver does not know. */
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
