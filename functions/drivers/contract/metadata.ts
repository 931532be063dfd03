import type { Cloud } from '../../model/cloud.ts';

/** One field of a driver's credential, so that a form can be drawn from it. */
export interface CredentialField {
  name: string;
  description: string;
  secret: boolean;
  /** Of a field of an alternative: whether that alternative needs it. */
  required: boolean;
  /** Clouds of the driver that cannot do without it, where it is not required by all of them. */
  requiredBy?: readonly Cloud[];
  /** A regular expression that the whole value matches, as JavaScript writes it; absent: anything goes. */
  pattern?: string;
  /**
   * The way to prove oneself that this field belongs to, where the driver knows several: a credential has the fields
   * of exactly one, and any field without. The first one that is declared is the one that we recommend.
   */
  alternative?: string;
}

/** Sets of methods that a client may have beside the required ones; what each promises is in `capabilities.ts`. */
export const CAPABILITY_NAMES = [
  'stop-start',
  'reboot',
  'batch-create',
  'list-by-id',
  'idempotency-keys',
  'quotas',
  'global-catalogue',
  'writer-marks',
] as const;
export type CapabilityName = (typeof CAPABILITY_NAMES)[number];

/**
 * What is true of a driver's data and not of its methods. The contract suite checks each against behaviour:
 *
 * - `tags`: tags of a spec are at the cloud, and tell what is ours before names do
 * - `user-data`: machines get it
 * - `prices`: offers have them
 * - `spot`: offers have spot prices, and machines may be asked for as spot
 * - `launch-tokens`: the cloud itself makes one machine of one launch token, also under a race
 */
export const DRIVER_FEATURES = ['tags', 'user-data', 'prices', 'spot', 'launch-tokens'] as const;
export type DriverFeature = (typeof DRIVER_FEATURES)[number];

/**
 * What proves that a call of ours made a machine, and that it is no copy of one (`ownership/prove-machine.ts`):
 *
 * - `idempotency-key`: the cloud tells the key of the call that made it; the client has `idempotencyKeyOf`
 * - `creation-time`: it carries a launch token, and was created while that attempt was under way
 */
export type MachineProof = 'idempotency-key' | 'creation-time';

/**
 * What is known of a driver without its code: pure data, in `drivers/<name>/metadata.ts`, so that the API can tell of
 * every driver and have no cloud's SDK in its bundle.
 */
export interface DriverMetadata {
  /** The registry takes it under this name only. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  readonly clouds: readonly Cloud[];
  /**
   * `own`: the cloud has an address, and another is taken only where the deployment lets connections override it.
   * `required`: there is none; a connection has to say it, by https unless the deployment allows overrides.
   */
  readonly endpoint: 'own' | 'required';
  readonly credentialFields: readonly CredentialField[];
  /**
   * `locational`: catalogues are read location by location. `global`: one call answers for all locations, and the
   * client has `listOffersEverywhere`.
   */
  readonly apiKind: 'global' | 'locational';
  /** How old a catalogue may become before it is read again; the schedule of the stage may make it older. */
  readonly inventoryPollMinutes: number;
  /**
   * How long after a create call an instance may still be missing from `listInstances` and
   * `findInstanceByToken`. Only after this time does "not found" prove that nothing was made.
   */
  readonly consistencyWindowMs: number;
  /**
   * The longest time between the sending of a create call and the creation time that the cloud tells of its machine;
   * for a machine that carries a launch token, later than that is a copy's.
   */
  readonly longestCreateMs: number;
  /** Each by itself is enough. Where `idempotency-key` stands alone, a machine without a key proves nothing. */
  readonly machineProof: readonly [MachineProof, ...MachineProof[]];
  /** `unique`: no two machines ever have one backend id. `names`: it is a name, which a later machine may have, too. */
  readonly backendIds: 'unique' | 'names';
  /** The longest name that every cloud of this driver takes, 30 at least; `names.ts` makes names that fit. */
  readonly maxNameLength: number;
  /** Exactly those whose methods its clients have: `defineDriver` sees to it. */
  readonly capabilities: readonly CapabilityName[];
  readonly features: readonly DriverFeature[];
}
