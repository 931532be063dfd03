import type { Clock } from '../../../functions/platform/runtime/clock.ts';
import type { CloudConfig, SimConfig } from './config.ts';
import type { SimEvent } from './records.ts';
import type { Place, SimState } from './state.ts';

/** What the parts of the engine share. */
export interface World {
  readonly config: SimConfig;
  readonly clock: Clock;
  readonly state: SimState;
  /** Applies an event to the state and hands it to the journal. The only way to change the state. */
  commit(event: SimEvent): void;
}

/** A call that passed the cloud's gate, and where it goes. */
export interface Target {
  cloud: CloudConfig;
  place: Place;
  nowMs: number;
}

/** Without the account, whose name may differ from run to run. */
export function placeParts({ key }: Place): [string, string] {
  return [key.cloud, key.location];
}

/** What a config map has under a name that came from outside, which may be that of an object's own parts. */
export function named<Value>(map: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
