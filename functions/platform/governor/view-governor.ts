import pLimit from 'p-limit';
import * as z from 'zod';
import {
  type BudgetView,
  type GovernorView,
  type LocationView,
  MAX_SHOWN_LOCATIONS,
  type Reopened,
} from '../../model/governor-view.ts';
import type { CallKind, LimitProfile } from '../../model/limit-profile.ts';
import { limitsAt } from '../../model/limits-in-force.ts';
import { atOnceOf, perSecondOf } from '../../model/rate.ts';
import { isoTime } from '../runtime/clock.ts';
import { budgetKey, connectionCallsKey } from '../store/keys.ts';
import { countQueued } from '../store/launch-queue.ts';
import { queryAll } from '../store/listing.ts';
import { loopLocations } from '../store/loops.ts';
import type { Store } from '../store/store.ts';
import { readVersioned } from '../store/versioned.ts';
import { sumOf, TOTALS, timely, UNTOUCHED_BUDGET } from './budget-state.ts';
import { hasBudget } from './budgets.ts';
import { connectionCallsSchema } from './connection-calls.ts';
import { reopenDenials, reopenQuotas } from './create-feedback.ts';
import { readLocationsInUse } from './hold-location.ts';
import { openNetworks } from './network-quota.ts';
import { callBucketSchema } from './permit-calls.ts';
import {
  type CallState,
  callStateSchema,
  IDLE_CALLS,
  partLeft,
  type RateLimit,
  rateMultiplier,
} from './rate.ts';
import {
  actionOf,
  callRatesOf,
  connectionBuckets,
  createRates,
  familyRate,
  rateLimitOf,
} from './rate-limits.ts';
import { reasonsOf } from './reasons.ts';
import { createKey, type SiteKey } from './site.ts';
import { IDLE_SITE, type SiteState, siteStateSchema } from './site-state.ts';
import { heldNow } from './slots.ts';
import { budgetSchema } from './take-budget.ts';

const CONCURRENT_SITES = 20;
const MOST_FLEETS = 20;

/** A connection: its limits, and the driver and key under which its items are stored. */
export interface ViewedConnection {
  driver: string;
  connectionKey: string;
  limits: LimitProfile;
}

/**
 * Returns what the governor knows about a connection and its locations. Makes at least two queries for each location.
 * The view is not a consistent snapshot: the data of one location may be a moment older than the data of another.
 */
export async function viewGovernor(
  store: Store<'governor'>,
  connection: ViewedConnection,
): Promise<GovernorView> {
  const { driver, connectionKey, limits } = connection;
  const [known, inUse, budgets, connectionCalls] = await Promise.all([
    loopLocations(store, driver, connectionKey),
    readLocationsInUse(store, connectionKey),
    budgetsOf(store, connection),
    connectionCallsOf(store, connection),
  ]);
  const all = [...new Set([...inUse.toSorted(), ...known])];
  const limit = pLimit(CONCURRENT_SITES);
  const locations = await Promise.all(
    all
      .slice(0, MAX_SHOWN_LOCATIONS)
      .map((location) =>
        limit(() => viewLocation(store, { connectionKey, location }, limitsAt(limits, location), inUse)),
      ),
  );
  return {
    locationsInUse: takenOf(inUse.length, limits.concurrentLocations),
    budgets,
    ...(connectionCalls.length === 0 ? {} : { connectionCalls }),
    locations,
    locationsLeftOut: all.length - locations.length,
  };
}

/**
 * Forgets which families of instance types had no quota left and which types the cloud denied, after a user has said
 * that quotas were raised or rights were given. Launches then ask the cloud again.
 *
 * @param location absent: every location of the connection
 * @throws Contended if other workers changed a site's item during every attempt
 */
export async function reopenConnection(
  store: Store<'governor'>,
  { driver, connectionKey }: Pick<ViewedConnection, 'driver' | 'connectionKey'>,
  location?: string,
): Promise<Reopened> {
  const wanted = location === undefined ? await loopLocations(store, driver, connectionKey) : [location];
  const limit = pLimit(CONCURRENT_SITES);
  const reopened = await Promise.all(
    wanted.map((one) =>
      limit(async () => {
        const site = { connectionKey, location: one };
        const families = await reopenQuotas(store, site);
        if (await openNetworks(store, site)) families.push('networks');
        const instanceTypes = await reopenDenials(store, site);
        return { location: one, families, ...(instanceTypes.length > 0 ? { instanceTypes } : {}) };
      }),
    ),
  );
  return { reopened: reopened.filter((one) => one.families.length > 0 || one.instanceTypes) };
}

async function viewLocation(
  store: Store<'governor'>,
  site: SiteKey,
  limits: LimitProfile,
  locationsInUse: readonly string[],
): Promise<LocationView> {
  const [calls, waiting] = await Promise.all([readCalls(store, site, limits), countQueued(store, site)]);
  const nowMs = store.clock.now();
  const held = Object.keys(heldNow(calls.create.holders, nowMs)).length;
  const launches = [...waiting.values()].reduce((sum, count) => sum + count, 0);
  const rates = createRates(limits);
  const inUse = locationsInUse.includes(site.location);
  const { concurrentLocations = Number.POSITIVE_INFINITY } = limits;
  const hasNoSlot = launches > 0 && !inUse && locationsInUse.length >= concurrentLocations;
  const locationsTaken = hasNoSlot ? locationsInUse.length : undefined;
  return {
    location: site.location,
    inUse,
    calls: {
      ...(limits.pacing === 'all-at-once' ? {} : { create: callView(rates.calls, calls.create, nowMs) }),
      ...(rates.machines
        ? { instances: callView(rates.machines, calls.create.machines ?? IDLE_CALLS, nowMs) }
        : {}),
      list: callView(rateLimitOf(limits, 'list'), calls.list, nowMs),
      mutate: callView(rateLimitOf(limits, 'mutate'), calls.mutate, nowMs),
    },
    ...familiesOf(calls.create, limits, nowMs),
    ...(calls.actions.length === 0
      ? {}
      : { actions: calls.actions.map((one) => actionView(one, limits, nowMs)) }),
    inFlight: takenOf(held, limits.concurrentInstancesPerLocation),
    waiting: {
      launches,
      byFleet: [...waiting].slice(0, MOST_FLEETS).map(([fleet, count]) => ({ fleet, launches: count })),
    },
    reasons: reasonsOf({ ...calls, held, locationsTaken }, limits, nowMs),
  };
}

const kindSchema = z.object({ sk: z.string() });

interface KnownAction {
  action: string;
  state: z.infer<typeof callBucketSchema>;
}
interface KnownCalls {
  create: SiteState;
  list: CallState;
  mutate: CallState;
  actions: KnownAction[];
}

async function readCalls(store: Store<'governor'>, site: SiteKey, limits: LimitProfile): Promise<KnownCalls> {
  const keys = { pk: createKey(site).pk, prefix: '' };
  const items = await queryAll(store, store.tables.governor, keys, (item) => item);
  const of = <State>(kind: CallKind, schema: z.ZodType<State>, idle: State): State => {
    const item = items.find((one) => kindSchema.parse(one).sk === kind);
    return item === undefined ? idle : schema.parse(item);
  };
  return {
    create: of('create', siteStateSchema, IDLE_SITE),
    list: of('list', callStateSchema, IDLE_CALLS),
    mutate: of('mutate', callStateSchema, IDLE_CALLS),
    actions: items.flatMap((item) => {
      const { sk } = kindSchema.parse(item);
      const action = actionOf(sk);
      return action === undefined || !limits.actions?.[action]
        ? []
        : [{ action, state: callBucketSchema.parse(item) }];
    }),
  };
}

/** Returns what is used of the buckets of one action. */
function actionView({ action, state }: KnownAction, limits: LimitProfile, nowMs: number) {
  // The kind does not matter, because the limits have the action.
  const { calls, machines } = callRatesOf(limits, { action, kind: 'mutate' });
  return {
    action,
    calls: callView(calls, state, nowMs),
    ...(machines ? { instances: callView(machines, state.machines ?? IDLE_CALLS, nowMs) } : {}),
  };
}

/** Returns what is used of the limits of families of instance types. */
function familiesOf(
  { families = {} }: SiteState,
  limits: LimitProfile,
  nowMs: number,
): Pick<LocationView, 'families'> {
  const limited = Object.keys(limits.families ?? {}).flatMap((family) => {
    const rate = familyRate(limits, family);
    return rate ? [{ family, instances: callView(rate, families[family] ?? IDLE_CALLS, nowMs) }] : [];
  });
  return limited.length === 0 ? {} : { families: limited };
}

async function connectionCallsOf(
  store: Store<'governor'>,
  { connectionKey, limits }: Pick<ViewedConnection, 'connectionKey' | 'limits'>,
): Promise<NonNullable<GovernorView['connectionCalls']>> {
  const wanted = connectionBuckets(limits);
  if (wanted.length === 0) return [];
  const known = await readVersioned(store, connectionCallsKey(connectionKey), connectionCallsSchema);
  const nowMs = store.clock.now();
  return wanted.map(({ bucket, limit }) => {
    const { nextDueMs, ...state } = known?.buckets[bucket] ?? IDLE_CALLS;
    const of = atOnceOf(limit);
    // All permitted calls count, also those that have not left yet.
    const left = partLeft({ ...state, nextDueMs, goneDueMs: nextDueMs }, limit, nowMs);
    return { calls: bucket, perSecond: perSecondOf(limit), used: Math.round((1 - left) * of), of };
  });
}

const takenOf = (taken: number, of: number | undefined) => ({ taken, ...(of === undefined ? {} : { of }) });

function callView(limit: RateLimit, state: CallState, nowMs: number) {
  const perSecond = perSecondOf(limit);
  return {
    perSecond: perSecond * rateMultiplier(state, nowMs),
    ofPerSecond: perSecond,
    ...(state.blockedUntilMs > nowMs ? { blockedUntil: isoTime(state.blockedUntilMs) } : {}),
  };
}

async function budgetsOf(
  store: Store<'governor'>,
  { connectionKey, limits }: Pick<ViewedConnection, 'connectionKey' | 'limits'>,
): Promise<BudgetView[]> {
  if (!hasBudget(limits)) return [];
  const known = await readVersioned(store, budgetKey(connectionKey), budgetSchema);
  const state = timely(known ?? UNTOUCHED_BUDGET, store.clock.now());
  const sums = sumOf(state);
  const { createsPerMinute, createsPerDay, totals = {} } = limits;
  const minute = state.minute.reduce((sum, [, count]) => sum + count, 0);
  return [
    ...(createsPerMinute === undefined
      ? []
      : [{ budget: 'createsPerMinute', used: minute, of: createsPerMinute } as const]),
    ...(createsPerDay === undefined
      ? []
      : [{ budget: 'createsPerDay', used: state.day.taken, of: createsPerDay } as const]),
    ...TOTALS.flatMap((budget) => {
      const of = totals[budget];
      return of === undefined ? [] : [{ budget, used: sums[budget], of }];
    }),
  ];
}
