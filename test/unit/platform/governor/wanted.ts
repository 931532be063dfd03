import type { LimitOverride } from '../../../../functions/model/limit-profile.ts';
import { limitProfileOf } from '../../../../functions/model/limits-in-force.ts';
import type { WantedCreate } from '../../../../functions/model/wanted-create.ts';
import type { SiteState } from '../../../../functions/platform/governor/site-state.ts';
import { IDLE_SITE } from '../../../../functions/platform/governor/site-state.ts';

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

/** Returns the state of an idle site, changed by `known`. */
export const site = (known: Partial<SiteState> = {}): SiteState => ({ ...IDLE_SITE, ...known });

/** Returns the limits of an AWS connection. Does not check the override for contradictions. */
export const limits = (override: LimitOverride) => limitProfileOf({ driver: 'sim', cloud: 'aws' }, override);
