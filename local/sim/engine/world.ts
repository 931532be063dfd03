import type { Clock } from '../../../functions/platform/runtime/clock.ts';
import type { CloudConfig, SimConfig } from './config.ts';
import type { SimEvent } from './records.ts';
import type { SimState, Site } from './state.ts';

/** What the parts of the engine share. */
export interface World {
  readonly config: SimConfig;
  readonly clock: Clock;
  readonly state: SimState;
  /** Applies an event to the state and hands it to the journal. The only way to change the state. */
  commit(event: SimEvent): void;
}

/** A call that the cloud admitted, and where it goes. */
export interface Target {
  cloud: CloudConfig;
  site: Site;
  nowMs: number;
}

/** Without the account, whose name may differ from run to run. */
export function siteParts({ key }: Site): [string, string] {
  return [key.cloud, key.location];
}

/** What a config map has under a name that came from outside, which may be that of an object's own parts. */
export function named<Value>(map: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
