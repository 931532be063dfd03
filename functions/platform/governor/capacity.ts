import type { Failure } from '../../model/failure.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { chooseZone } from '../placement/choose-zone.ts';
import { FORGOTTEN_MS, PROBE_MS } from './probes.ts';
import { type CapacityScope, capacityScope, type SiteState } from './site-state.ts';

/**
 * For this time after the cloud reported a lack of capacity, launches that may go elsewhere do so without a call in
 * this zone.
 */
const SCARCE_MS = 300_000;

/**
 * Result of the check of one launch. `clear`: the launch may go out, in `zone` if the control plane chooses the zone;
 * with `isProbe`, it tests whether the zone has capacity again. `wait`: another launch is the probe. `leave`: the
 * launch fails here without a call.
 */
export type CapacityCheck =
  | { kind: 'clear'; isProbe: boolean; zone?: string }
  | { kind: 'wait' }
  | { kind: 'leave'; failure: Failure };

type Scarce = NonNullable<SiteState['scarce']>[string];

/** What is known of the capacity of one zone, for one launch. */
interface ZoneState {
  zone: string | undefined;
  scope: string;
  /** Absent: the zone stands open. */
  scarce?: Scarce;
}

/**
 * Checks a launch against the negative cache of capacity, and chooses the launch's zone. A launch goes to a zone that
 * stands open. If there is none, a launch that may go elsewhere leaves, and the others wait behind one probe for each
 * zone. If the launch becomes a probe, records the probe in `state`, which is changed in place.
 */
export function checkCapacity(state: SiteState, wanted: WantedCreate, nowMs: number): CapacityCheck {
  const zones = zonesOf(state, wanted, nowMs);
  const own = zones.find(
    ({ scarce }) => isProbed(scarce, nowMs) && scarce?.probe?.instanceId === wanted.instanceId,
  );
  const [firstOpen, ...others] = zones.filter(({ scarce }) => scarce === undefined);
  const home = zones.find(({ zone }) => zone === wanted.zoneChoice?.home);
  if (own) return probe(state, own, wanted, nowMs);
  // Nothing else would ever test whether a zone has capacity again while other zones stand open.
  if (firstOpen && home?.scarce && mayBeProbed(home.scarce, nowMs)) return probe(state, home, wanted, nowMs);
  if (firstOpen) return { kind: 'clear', isProbe: false, ...chosen([firstOpen, ...others], wanted) };
  const due = zones.filter(({ scarce }) => mayBeProbed(scarce, nowMs));
  if (mayLeave(wanted) && due.length === 0) return leave(zones, wanted);
  const free = zones.filter(({ scarce }) => !isProbed(scarce, nowMs));
  const [first, ...rest] = mayLeave(wanted) ? due : free;
  if (!first) return { kind: 'wait' };
  const { zone } = chosen([first, ...rest], wanted);
  return probe(state, [first, ...rest].find((one) => one.zone === zone) ?? first, wanted, nowMs);
}

const mayLeave = ({ mayGoElsewhere, mayChangeZone, mayChangeType }: WantedCreate): boolean =>
  mayGoElsewhere || mayChangeZone === true || mayChangeType === true;

function zonesOf({ scarce = {} }: SiteState, wanted: WantedCreate, nowMs: number): ZoneState[] {
  const zones = wanted.zoneChoice?.open ?? [wanted.zone];
  return zones.map((zone) => {
    const scope = capacityScope({ ...wanted, zone });
    const known = scarce[scope];
    return known && known.untilMs + FORGOTTEN_MS >= nowMs ? { zone, scope, scarce: known } : { zone, scope };
  });
}

/** Chooses one of the zones for a launch. Returns no zone if the control plane does not choose the launch's zone. */
function chosen([first, ...others]: readonly [ZoneState, ...ZoneState[]], { zoneChoice }: WantedCreate) {
  if (!zoneChoice || first.zone === undefined) return {};
  const names = others.flatMap(({ zone }) => zone ?? []);
  return { zone: chooseZone([first.zone, ...names], zoneChoice) };
}

function probe(
  state: SiteState,
  { zone, scope, scarce }: ZoneState,
  { instanceId, zoneChoice }: WantedCreate,
  nowMs: number,
): CapacityCheck {
  const since = scarce ?? { sinceMs: nowMs, untilMs: nowMs };
  state.scarce = { ...state.scarce, [scope]: { ...since, probe: { instanceId, untilMs: nowMs + PROBE_MS } } };
  return { kind: 'clear', isProbe: true, ...(zoneChoice && zone !== undefined ? { zone } : {}) };
}

/** Fails a launch. The failure's scope tells whether another zone of the location may still have capacity. */
function leave(
  zones: readonly ZoneState[],
  { instanceType, market, mayChangeZone }: WantedCreate,
): CapacityCheck {
  const sinceMs = Math.max(...zones.map(({ scarce }) => scarce?.sinceMs ?? 0));
  const what = market === undefined || market === 'on-demand' ? 'capacity' : `${market} capacity`;
  const message = `the cloud had no ${what} of ${instanceType} at ${new Date(sinceMs).toISOString()}`;
  const scope = mayChangeZone === true ? 'zone' : 'site';
  return { kind: 'leave', failure: { code: 'InsufficientCapacity', message, scope, wouldWait: true } };
}

function isProbed(scarce: Scarce | undefined, nowMs: number): boolean {
  return scarce?.probe !== undefined && scarce.probe.untilMs > nowMs;
}

const mayBeProbed = (scarce: Scarce | undefined, nowMs: number): boolean =>
  scarce !== undefined && nowMs >= scarce.untilMs && !isProbed(scarce, nowMs);

/** Records that the cloud had no capacity for a launch. */
export function withScarcity(state: SiteState, wanted: CapacityScope, nowMs: number): SiteState {
  const scope = capacityScope(wanted);
  const sinceMs = state.scarce?.[scope]?.sinceMs ?? nowMs;
  return { ...state, scarce: { ...state.scarce, [scope]: { sinceMs, untilMs: nowMs + SCARCE_MS } } };
}
