import type { GovernorView } from '../../functions/model/governor-view.ts';
import {
  CONNECTION_BUCKETS,
  type LimitOverride,
  type LimitProfile,
} from '../../functions/model/limit-profile.ts';
import type { LimitSource } from '../../functions/model/limit-source.ts';
import { plainText } from '../../functions/model/plain-text.ts';
import { isWindow, type Rate } from '../../functions/model/rate.ts';
import { CONNECTION_CALLS, governorText } from './show-governor.ts';
import { type Cell, fields, table } from './table.ts';

interface ConnectionLimits {
  cloud: string;
  tier: string;
  profile: LimitProfile;
  override: LimitOverride;
  cautious: LimitProfile;
  defaults: LimitProfile;
  sources: readonly LimitSource[];
  power: LimitProfile;
  requestMore: { text: string; url: string };
  governor: GovernorView;
}

const figure = (value: number): number => Number(value.toPrecision(4));

const rateText = (rate: Rate): string =>
  isWindow(rate)
    ? `${figure(rate.count)} per ${figure(rate.windowSeconds)} s`
    : `${figure(rate.perSecond)}/s (burst ${figure(rate.burst)})`;

const mostText = (most: number | undefined): string =>
  most === undefined ? 'any number of' : `at most ${most}`;

/** Returns a limit profile as one line of text. Leaves out fields that have no limit. */
export function limitsText(profile: LimitProfile): string {
  const { concurrentLocations, concurrentInstancesPerLocation, calls, instances, pacing } = profile;
  const rates = Object.entries({ ...calls, ...(instances ? { instances } : {}) }).map(
    ([kind, rate]) => `${kind} ${rateText(rate)}`,
  );
  const { createsPerMinute, createsPerDay, minimumSpacingMs, totals = {} } = profile;
  const creates = [
    ...(pacing === 'burst' ? [] : [pacing === 'even' ? 'evenly spaced' : pacing]),
    ...(createsPerMinute === undefined ? [] : [`at most ${createsPerMinute} a minute`]),
    ...(createsPerDay === undefined ? [] : [`at most ${createsPerDay} a day`]),
    ...(minimumSpacingMs === undefined ? [] : [`at least ${minimumSpacingMs} ms apart`]),
  ];
  const inAll = Object.entries(totals).map(([kind, most]) => `${most} ${kind}`);
  return [
    `${mostText(concurrentLocations)} locations at a time, with ${mostText(concurrentInstancesPerLocation)} instances being created at each`,
    `calls at each location: ${rates.join(', ')}`,
    ...(creates.length > 0 ? [`create calls: ${creates.join(', ')}`] : []),
    ...(inAll.length > 0 ? [`at most ${inAll.join(', ')} in total`] : []),
  ].join('; ');
}

/** Returns the names of the fields that a limit override sets. */
export const overridesText = ({
  calls = {},
  totals = {},
  actions = {},
  connectionCalls = {},
  families = {},
  locations = {},
  ...rest
}: LimitOverride): string =>
  [
    ...Object.keys(rest),
    ...Object.keys(calls).map((kind) => `calls.${kind}`),
    ...Object.keys(totals).map((kind) => `totals.${kind}`),
    ...Object.keys(actions).map((name) => `actions.${name}`),
    ...Object.keys(connectionCalls).map((kind) => `connectionCalls.${kind}`),
    ...Object.keys(families).map((name) => `families.${name}`),
    ...Object.keys(locations).map((name) => `locations.${name}`),
  ].join(', ');

/** Returns a table of the actions that are metered alone, with the rates in force. */
function actionsText({ actions = {} }: LimitProfile): string {
  const rows = Object.entries(actions)
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(([name, { calls, instances }]) => [name, rateText(calls), instances && rateText(instances)]);
  return rows.length === 0
    ? ''
    : `\n${table(['action metered alone', 'calls per location', 'instances per location'], rows)}`;
}

/** Returns a table of the locations that have limits of their own. */
function locationsText({ locations = {} }: LimitProfile): string {
  const rows = Object.entries(locations)
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(
      ([name, { calls = {}, instances, machinesPerCall, concurrentInstancesPerLocation, actions = {} }]) => {
        const rates = { ...calls, ...(instances ? { instances } : {}) };
        return [
          name,
          [
            ...Object.entries(rates).flatMap(([kind, rate]) => (rate ? [`${kind} ${rateText(rate)}`] : [])),
            ...(instances === null ? ['instances not metered'] : []),
            ...(machinesPerCall ? [`${machinesPerCall} instances in a call`] : []),
            ...(concurrentInstancesPerLocation === undefined
              ? []
              : [`${mostText(concurrentInstancesPerLocation ?? undefined)} instances being created`]),
            ...Object.entries(actions).map(([action, one]) => `${action} ${rateText(one.calls)}`),
          ].join(', '),
        ];
      },
    );
  return rows.length === 0 ? '' : `\n${table(['location', 'limits of its own'], rows)}`;
}

/** Returns a line for each rate of all locations together, and for each family of instance types. */
function furtherLines(...profiles: readonly LimitProfile[]): Cell[][] {
  const line = (what: string, of: (one: LimitProfile) => Rate | undefined): Cell[][] => {
    const rates = profiles.map(of);
    return rates.some((rate) => rate) ? [[what, ...rates.map((rate) => (rate ? rateText(rate) : '-'))]] : [];
  };
  const families = new Set(profiles.flatMap((one) => Object.keys(one.families ?? {})));
  return [
    ...CONNECTION_BUCKETS.flatMap((bucket) =>
      line(
        `${CONNECTION_CALLS[bucket].toLowerCase()} of all locations`,
        (one) => one.connectionCalls?.[bucket],
      ),
    ),
    ...[...families]
      .toSorted()
      .flatMap((name) =>
        line(`instances of family ${name} per location`, (one) => one.families?.[name]?.instances),
      ),
  ];
}

/** Returns a text that says where the figures of the base profile come from. A source is a paragraph, because it is long. */
function sourcesText(sources: readonly LimitSource[]): string {
  const texts = sources.map(({ limits, source, url, date, isEstimate }) => {
    const read = date === undefined ? '' : ` (read on ${date})`;
    const link = url === undefined ? '' : `    ${plainText(url)}\n`;
    return `  ${plainText(limits)}\n    ${isEstimate ? 'estimate' : 'published'}: ${plainText(source)}${read}\n${link}`;
  });
  return `Where the figures of the base profile come from:\n${texts.join('')}`;
}

/**
 * Returns a text with four profiles side by side: a connection's limits in force, cautious limits, the cloud's default
 * limits, and the `power` profile, which users can request from the cloud. The text also shows how much of
 * the limits in force is in use.
 */
export function connectionLimitsText(name: string, limits: ConnectionLimits): string {
  const { cloud, tier, profile, override, cautious, defaults, power, requestMore, governor } = limits;
  const head = fields([
    ['Connection', name],
    ['Cloud', cloud],
    ['Base profile', tier],
    ['Overridden', overridesText(override)],
    ['To request more', requestMore.text],
    ['', requestMore.url],
  ]);
  const line = (what: string, of: (one: LimitProfile) => Cell): Cell[] => [
    what,
    of(profile),
    of(cautious),
    of(defaults),
    of(power),
  ];
  const limitsTable = table(
    ['limit', 'in force', 'cautious', 'default', 'power'],
    [
      line('locations in use at the same time', (one) => one.concurrentLocations ?? 'any number'),
      line(
        'instances being created per location',
        (one) => one.concurrentInstancesPerLocation ?? 'any number',
      ),
      line('create calls per location', (one) => rateText(one.calls.create)),
      line('instances per location', (one) => (one.instances ? rateText(one.instances) : 'not metered')),
      line('instances in one create call', (one) => one.machinesPerCall ?? 'any number'),
      line('list calls per location', (one) => rateText(one.calls.list)),
      line('other changing calls per location', (one) => rateText(one.calls.mutate)),
      ...furtherLines(profile, cautious, defaults, power),
      line('left for others', (one) => `${figure(100 * (one.reserve ?? 0))} % of the rates`),
      line('pacing of create calls', (one) => one.pacing),
      line('ms between create calls per location', (one) => one.minimumSpacingMs),
      line('creates per minute', (one) => one.createsPerMinute),
      line('creates per day (UTC)', (one) => one.createsPerDay),
      line('instances in total', (one) => one.totals?.instances),
      line('vCPUs in total', (one) => one.totals?.vcpus),
      line('GPUs in total', (one) => one.totals?.gpus),
      line('GB of memory in total', (one) => one.totals?.memoryGb),
    ].filter((cells) => cells.slice(1).some((cell) => cell !== undefined)),
  );
  const tables = `${limitsTable}${actionsText(profile)}${locationsText(profile)}`;
  return `${head}\n${tables}\n${sourcesText(limits.sources)}\n${governorText(governor)}${rateNotes(limits)}`;
}

/** Explains the rates of the locations that are in use. */
function rateNotes({ profile: { reserve = 0 }, governor: { locations } }: ConnectionLimits): string {
  if (locations.length === 0) return '';
  const isSlowed = locations.some(({ reasons }) => reasons.some(({ why }) => why === 'throttled'));
  const kept = `These rates leave ${figure(100 * reserve)} % of the limits to others in the account.\n`;
  const learnt =
    'A rate such as "2.5 of 5" was lowered after a throttle, and rises again while the cloud accepts calls.\n';
  return `${reserve > 0 ? kept : ''}${isSlowed ? learnt : ''}`;
}
