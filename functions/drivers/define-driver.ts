import type { Capabilities } from './capabilities.ts';
import type { CloudClient, ConnectOptions, Driver } from './driver.ts';
import type { CapabilityName, DriverMetadata } from './metadata.ts';

/**
 * A driver out of its metadata and the code that opens its clients. The compiler holds the clients to the declared
 * capabilities, both ways: a declared one has all its methods, one that is not declared has none.
 */
export function defineDriver<const Metadata extends DriverMetadata>(
  metadata: Metadata,
  connect: (options: ConnectOptions) => CapableClient<Metadata['capabilities'][number]>,
): Driver {
  return { ...metadata, connect };
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
