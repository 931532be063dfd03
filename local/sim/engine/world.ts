import type { Clock } from '../../../functions/platform/runtime/clock.ts';
import type { CloudConfig, SimConfig } from './config.ts';
import type { SimEvent } from './records.ts';
import type { SimState, Site } from './state.ts';

/** Holds the config, the clock and the state that all code of the engine shares. */
export interface World {
  readonly config: SimConfig;
  readonly clock: Clock;
  readonly state: SimState;
  /** Applies an event to the state and writes it to the journal. Nothing else changes the state. */
  commit(event: SimEvent): void;
}

/** The cloud and the site of a call, and the time of the call. */
export interface Target {
  cloud: CloudConfig;
  site: Site;
  nowMs: number;
}

/** Identifies a site for random draws. The account is left out, because its name may differ from run to run. */
export function siteParts({ key }: Site): [string, string] {
  return [key.cloud, key.location];
}

/**
 * Returns the value of a key of a config map. Returns undefined for an inherited property, such as `constructor`,
 * because the name comes from a request.
 */
export function named<Value>(map: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
