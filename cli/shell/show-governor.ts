import type {
  BudgetView,
  GovernorReason,
  GovernorView,
  LocationView,
  Reopened,
} from '../../functions/model/governor-view.ts';
import { fields, table } from './table.ts';

const BUDGETS: Readonly<Record<BudgetView['budget'], string>> = {
  createsPerMinute: 'Creates this minute',
  createsPerDay: 'Creates today (UTC)',
  instances: 'Instances',
  vcpus: 'vCPUs',
  gpus: 'GPUs',
  memoryGb: 'GB of memory',
};

type ConnectionCall = NonNullable<GovernorView['connectionCalls']>[number]['calls'];

/** Names of the calls of all locations together, for people. */
export const CONNECTION_CALLS: Readonly<Record<ConnectionCall, string>> = {
  create: 'Create calls',
  list: 'List calls',
  mutate: 'Other changing calls',
  change: 'Changing calls',
};

const figure = (value: number): number => Number(value.toPrecision(3));

/**
 * Returns a text that shows how much of a connection's limits is in use, and why launches wait at each
 * location.
 */
export function governorText({
  locationsInUse,
  budgets,
  connectionCalls = [],
  locations,
  locationsLeftOut,
}: GovernorView): string {
  const head = fields([
    ['Locations in use', takenText(locationsInUse)],
    ...budgets.map(({ budget, used, of }) => [BUDGETS[budget], `${figure(used)} of ${of}`] as const),
    ...connectionCalls.map(
      ({ calls, used, of }) =>
        [`${CONNECTION_CALLS[calls]}, all locations`, `${used} of ${figure(of)}`] as const,
    ),
  ]);
  const isMetered = locations.some(({ calls }) => calls.instances);
  const rows = locations.map((one) => [
    one.location,
    takenText(one.inFlight),
    one.waiting.launches,
    rateText(one.calls.create),
    ...(isMetered ? [rateText(one.calls.instances)] : []),
    rateText(one.calls.list),
    rateText(one.calls.mutate),
    [...one.reasons.map(reasonText), ...slowedTexts(one)].join('; '),
  ]);
  const heads = [
    'location',
    'in flight',
    'waiting',
    'creates/s',
    ...(isMetered ? ['machines/s'] : []),
    'lists/s',
    'changes/s',
    'why',
  ];
  const more = locationsLeftOut > 0 ? `and ${locationsLeftOut} more locations\n` : '';
  return `${head}${rows.length > 0 ? `\n${table(heads, rows)}` : ''}${more}`;
}

/**
 * Returns a text that lists, for each location, the families of instance types whose launches were blocked by
 * a used-up quota and may now be tried again.
 */
export function reopenedText({ reopened }: Reopened): string {
  if (reopened.length === 0) return 'No quota was blocking launches.\n';
  const rows = reopened.map(({ location, families, instanceTypes = [] }) => [
    location,
    [...families, ...instanceTypes].join(', '),
  ]);
  return table(['location', 'reopened'], rows);
}

const takenText = ({ taken, of }: { taken: number; of?: number }): string =>
  of === undefined ? String(taken) : `${taken} of ${of}`;

/** Tells which actions with buckets of their own were slowed down after throttles. */
function slowedTexts({ actions = [] }: LocationView): string[] {
  return actions.flatMap(({ action, calls, instances = calls }) => {
    const share = Math.min(calls.perSecond / calls.ofPerSecond, instances.perSecond / instances.ofPerSecond);
    return share < 1 ? [`${action} slowed to ${Math.round(100 * share)} %`] : [];
  });
}

function rateText(call: LocationView['calls']['create']): string {
  if (!call) return 'no limit';
  const { perSecond, ofPerSecond } = call;
  return perSecond < ofPerSecond
    ? `${figure(perSecond)} of ${figure(ofPerSecond)}`
    : String(figure(ofPerSecond));
}

function reasonText(reason: GovernorReason): string {
  switch (reason.why) {
    case 'slots':
      return 'all slots are taken';
    case 'locations':
      return `all ${reason.of} location slots of the connection are in use`;
    case 'rate':
      return `next create at ${reason.nextCallAt}`;
    case 'throttled': {
      const slowed = `${reason.call} slowed to ${Math.round(100 * reason.share)} %`;
      return reason.until === undefined ? slowed : `${slowed}, no call before ${reason.until}`;
    }
    case 'outage':
      return `the location has accepted no call since ${reason.sinceAt}; next probe at ${reason.nextProbeAt}`;
    case 'capacity': {
      const capacity = `${marketText(reason.market)}capacity`;
      const what = `no ${capacity} of ${reason.instanceType}${reason.zone === undefined ? '' : ` in ${reason.zone}`} since ${reason.sinceAt}`;
      return reason.probing ? `${what}; a launch is probing it` : `${what}; next probe after ${reason.until}`;
    }
    case 'quota':
      return quotaText(reason);
    case 'denied': {
      const what = `the cloud denies ${marketText(reason.market)}${reason.instanceType} since ${reason.sinceAt} (${reason.message})`;
      return reason.probing ? `${what}; a launch is probing it` : `${what}; next probe at ${reason.retryAt}`;
    }
    case 'budget':
      return `${reason.budget} is used up until ${reason.until}`;
    case 'first-instance':
      return 'one instance has to run before all others are launched';
  }
}

/** Returns the words of a market before what is missing in it. On-demand is the usual one, and needs none. */
const marketText = (market: string): string => (market === 'on-demand' ? '' : `${market} `);

/** Names of what a quota counts, for people. */
const COUNTED: Readonly<Record<QuotaReason['of'], string>> = {
  family: 'a family of instance types',
  spot: 'spot machines',
  instances: 'instances',
  vcpus: 'vCPUs',
  memoryGb: 'memory',
  addresses: 'addresses and network interfaces',
  networks: 'networks',
  volumes: 'volumes',
  account: 'the account',
};
type QuotaReason = Extract<GovernorReason, { why: 'quota' }>;

function quotaText({ of, family, within, fleet, message, retryAt }: QuotaReason): string {
  const what = family ?? `${COUNTED[of]}${within === undefined ? '' : ` of class ${within}`}`;
  const who = fleet === undefined ? '' : `; a request of fleet ${fleet} met it`;
  const waits = of === 'networks' ? 'launches that need a network wait; ' : '';
  return `the quota of ${what} is used up (${message})${who}; ${waits}next probe at ${retryAt}`;
}
