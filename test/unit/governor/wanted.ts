import type { LimitOverride } from '../../../functions/model/limit-profile.ts';
import { limitProfileOf } from '../../../functions/model/limits-in-force.ts';
import type { WantedCreate } from '../../../functions/model/wanted-create.ts';
import type { PlaceState } from '../../../functions/platform/governor/place-state.ts';
import { IDLE_PLACE } from '../../../functions/platform/governor/place-state.ts';

export const NOON = Date.parse('2026-01-01T12:00:00Z');

export const want = (instanceId: string, changes: Partial<WantedCreate> = {}): WantedCreate => ({
  instanceId,
  fleetId: 'f',
  round: 1,
  instanceType: 'm6i.large',
  vcpus: 2,
  gpus: 0,
  memoryGb: 8,
  mayGoElsewhere: false,
  ...changes,
});

/** A place of which that is known. */
export const place = (known: Partial<PlaceState> = {}): PlaceState => ({ ...IDLE_PLACE, ...known });

/** Whatever contradicts itself in it. */
export const limits = (override: LimitOverride) => limitProfileOf('aws', override);
