import type { Connection, InventoryFailure } from '../../functions/model/connection.ts';
import type { ConnectionHealth, DeniedCall } from '../../functions/model/denied-call.ts';
import type { FieldError } from '../../functions/model/field-error.ts';
import type { Fleet, Instance } from '../../functions/model/fleet.ts';
import type { LimitProfile } from '../../functions/model/limit-profile.ts';
import { limitsText, overridesText } from './show-limits.ts';
import { stuckText, waitingText } from './show-waiting.ts';
import { fields, table } from './table.ts';

const usd = (amount: number): string => `$${amount.toFixed(amount < 1 ? 4 : 2)}`;

/** Returns a sum as text, with the number of instances that it leaves out because their price is not known. */
function sumText(amount: number, instances = 0, disks = 0): string {
  const some = [numberOf(instances, 'instance'), numberOf(disks, 'disk')].filter((words) => words !== '');
  if (some.length === 0) return usd(amount);
  const leftOut = some.join(' and ');
  return amount === 0
    ? `not known (${leftOut} without a price)`
    : `${usd(amount)}, without ${leftOut} of unknown price`;
}

const numberOf = (count: number, noun: string): string =>
  count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`;

function priceText({ usdPerHour, unpricedInstances = 0 }: Fleet): string {
  if (unpricedInstances === 0) return usdPerHour.toFixed(2);
  return usdPerHour === 0 ? 'not known' : `${usdPerHour.toFixed(2)} + ${unpricedInstances} not known`;
}

/** Counts the instances that have failed, including those whose machines are still being removed. */
export function failedOf({ counts, failures }: Fleet): number {
  const { Failed: failed = 0, Terminating: removed = 0 } = counts;
  const all = failures.reduce((sum, { count }) => sum + count, 0);
  return Math.max(failed, Math.min(all, failed + removed));
}

/** Returns the ids of the fleet's stopped instances; undefined if none is named. */
function stoppedText({ stopped = [], counts }: Fleet): string | undefined {
  if (stopped.length === 0) return undefined;
  const others = (counts.Suspended ?? 0) - stopped.length;
  return `${stopped.join(', ')}${others > 0 ? `, and ${others} more` : ''}`;
}

/** Returns all details of a fleet as text. */
export function fleetText(fleet: Fleet): string {
  const { counts } = fleet;
  const head = fields([
    ['Fleet', fleet.name],
    ['Id', fleet.id],
    ['Namespace', fleet.namespace],
    ['Description', fleet.description],
    ['Labels', labelsText(fleet.labels)],
    ['Status', fleet.status],
    ['Instances', countsText(counts)],
    ['Shortfall', fleet.shortfall === 0 ? undefined : fleet.shortfall],
    ['Stopped', stoppedText(fleet)],
    ['Failure policy', fleet.failurePolicy],
    ['Minimum', fleet.minimumInstances],
    ['Held until', fleet.heldUntil],
    ['Allowed now', fleet.allowedActions.join(', ')],
    ['Created', fleet.createdAt],
    ['Provisioned', fleet.runningAt],
    ['Terminated', fleet.terminatedAt],
    [
      'Failed',
      failedOf(fleet) > (counts.Failed ?? 0)
        ? `${failedOf(fleet)}, some of them still being removed`
        : undefined,
    ],
    ['Price per hour', sumText(fleet.usdPerHour, fleet.unpricedInstances, fleet.unpricedDisks)],
    ['Cost so far', sumText(fleet.costUsd, fleet.uncostedInstances)],
    ['SSH key', fleet.sshKeyParameter],
  ]);
  const locations = table(
    ['cloud', 'connection', 'location', 'network', 'asked', 'running', 'failed', 'other'],
    fleet.byLocation.map(({ cloud, connection, location, network, counts: at }) => {
      const [running, failed] = [at.Running ?? 0, at.Failed ?? 0];
      const other = Math.max(0, at.requested - running - failed);
      const shown = network?.networkId ?? network?.mode;
      return [cloud, connection, location, shown, at.requested, running, failed, other];
    }),
  );
  const failures =
    fleet.failures.length === 0
      ? ''
      : `\n${table(
          ['failure', 'count', 'example'],
          fleet.failures.map(({ code, count, example }) => [code, count, example]),
        )}`;
  const errors = fleet.errors?.length ? `\n${fleet.errors.map(errorText).join('\n')}\n` : '';
  const waiting = fleet.waiting?.length ? `\n${waitingText(fleet.waiting)}` : '';
  return `${head}${fleet.byLocation.length > 0 ? `\n${locations}` : ''}${failures}${errors}${waiting}`;
}

export function fleetsText(fleets: readonly Fleet[]): string {
  return table(
    ['name', 'id', 'status', 'asked', 'running', 'failed', 'usd/h', 'created'],
    fleets.map((fleet) => [
      fleet.name,
      fleet.id,
      fleet.status,
      fleet.counts.requested,
      fleet.counts.Running ?? 0,
      failedOf(fleet),
      priceText(fleet),
      fleet.createdAt,
    ]),
  );
}

export function countsText({ requested, ...counts }: Fleet['counts']): string {
  const parts = Object.entries(counts).flatMap(([status, count]) => (count ? [`${count} ${status}`] : []));
  return [`${requested} asked`, ...parts].join(', ');
}

export function instancesText(instances: readonly Instance[]): string {
  const named = instances.some(({ name }) => name !== undefined);
  return table(
    [
      'id',
      ...(named ? ['name'] : []),
      'status',
      'group',
      'cloud',
      'location',
      'type',
      'market',
      'public ip',
      'private ip',
      'failure',
    ],
    instances.map((one) => [
      one.id,
      ...(named ? [one.name] : []),
      one.status,
      one.nodeGroup,
      one.cloud,
      one.location,
      one.instanceType,
      one.market,
      one.publicIp,
      one.privateIp,
      one.stuck ? stuckText(one.stuck) : one.failure?.code,
    ]),
  );
}

export function instanceText(instance: Instance): string {
  const waiting = instance.waiting?.length ? `\n${waitingText(instance.waiting)}` : '';
  const head = fields([
    ['Instance', instance.id],
    ['Name', instance.name],
    ['Fleet', instance.fleetId],
    ['Node group', instance.nodeGroup],
    ['Status', instance.status],
    ['Target', instance.target],
    ['Cloud', instance.cloud],
    ['Connection', instance.connection],
    ['Location', instance.location],
    ['Zone', instance.zone],
    ['Type', instance.instanceType],
    ['Market', instance.market],
    ['Image', instance.image],
    ['Labels', labelsText(instance.labels)],
    ['Public IP', instance.publicIp],
    ['Private IP', instance.privateIp],
    ['IPv6', instance.ipv6],
    ['SSH', sshText(instance)],
    ['Launched', instance.launchedAt],
    ['Running since', instance.runningAt],
    ['Terminated', instance.terminatedAt],
    ['Backend id', instance.backendId],
    ['Failure', instance.failure && `${instance.failure.code}: ${instance.failure.message}`],
    ['Removal', instance.stuck && stuckText(instance.stuck)],
  ]);
  return `${head}${waiting}`;
}

/** Returns the command that signs in, as far as the user and an address are known. */
function sshText({ sshUser, publicIp, privateIp, ipv6 }: Instance): string | undefined {
  const address = publicIp ?? ipv6 ?? privateIp;
  return sshUser === undefined || address === undefined ? sshUser : `ssh ${sshUser}@${address}`;
}

/** Returns the labels as `name=value`; undefined if there are none. */
function labelsText(labels: Readonly<Record<string, string>>): string | undefined {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? undefined : pairs.join(', ');
}

const rotationText = ({ status, requestedAt, failure }: NonNullable<Connection['rotation']>): string =>
  failure
    ? `refused, the earlier credential stays in force: ${failure.code}: ${failure.message}`
    : `${status} since ${requestedAt}`;

function networkText(network: NonNullable<Connection['network']>): string {
  if (network.mode !== 'existing') return network.mode;
  const each = Object.entries(network.existing ?? {});
  return `existing: ${each.map(([location, { networkId }]) => `${networkId} at ${location}`).join(', ')}`;
}

const networkChangeText = ({
  status,
  requestedAt,
  errors = [],
}: NonNullable<Connection['networkChange']>): string =>
  status === 'Failed'
    ? `refused, the earlier setting stays:\n${errors.map(errorText).join('\n')}`
    : `${status} since ${requestedAt}`;

const errorText = ({ pointer, message }: FieldError): string => `${pointer}: ${message}`;

const unreadText = ({ location = 'locations', code, message }: InventoryFailure): string =>
  `${location}: ${code}: ${message}`;

function deniedText({ call, location, code, message, since, nextTryAt }: DeniedCall): string {
  const where = location === undefined ? '' : ` in ${location}`;
  return `${call}${where} since ${since} (${code}: ${message}); next try from ${nextTryAt}`;
}

/** Returns `by NAMESPACE` for a connection of another namespace, and `with NAMESPACE, …` for one that is shared. */
export function sharesText({
  sharedBy,
  sharedWith = [],
  unsharing = [],
}: Pick<Connection, 'sharedWith' | 'unsharing'> & { sharedBy?: string | undefined }): string | undefined {
  if (sharedBy !== undefined)
    return `by ${sharedBy}${unsharing.length > 0 ? ', no longer for new fleets' : ''}`;
  const users = [...sharedWith, ...unsharing.map(({ namespace }) => `${namespace} (no new fleets)`)];
  return users.length === 0 ? undefined : `with ${users.join(', ')}`;
}

export function connectionText(
  one: Connection & {
    limitProfile?: LimitProfile;
    health?: ConnectionHealth | undefined;
    sharedBy?: string | undefined;
  },
): string {
  return fields([
    ['Connection', one.name],
    ['Namespace', one.namespace],
    ['Shared', sharesText(one)],
    ['Driver', one.driver],
    ['Cloud', one.cloud],
    ['Endpoint', one.endpoint],
    ['Status', one.status],
    ['Failure', one.failure && `${one.failure.code}: ${one.failure.message}`],
    ['Warning', one.warning && `${one.warning.code}: ${one.warning.message}`],
    ['Created', one.createdAt],
    ['Verified', one.verifiedAt],
    ['Account', one.accountName ?? one.account],
    ['New credential', one.rotation && rotationText(one.rotation)],
    ['Network', one.network && networkText(one.network)],
    ['New network', one.networkChange && networkChangeText(one.networkChange)],
    ['Inventory read', one.inventorySyncedAt],
    ['Not read', one.inventoryFailures?.map(unreadText).join('; ')],
    ['Denied calls', one.health?.deniedCalls.map(deniedText).join('\n')],
    ['Limits', one.limitProfile && limitsText(one.limitProfile)],
    ['Overridden', one.limits && overridesText(one.limits)],
    ['Orphans', one.orphans && `${one.orphans.action} after ${one.orphans.graceSeconds} s`],
  ]);
}
