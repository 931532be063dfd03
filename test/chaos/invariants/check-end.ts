import * as z from 'zod';
import { parseResourceName } from '../../../functions/drivers/contract/names.ts';
import { type FleetSpec, fleetSpecSchema } from '../../../functions/model/fleet.ts';
import { isClosed } from '../../../functions/model/status.ts';
import { siteStateSchema } from '../../../functions/platform/governor/site-state.ts';
import { heldNow } from '../../../functions/platform/governor/slots.ts';
import { type FleetItem, parseFleetItem } from '../../../functions/platform/store/fleets.ts';
import { type InstanceItem, instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import {
  fleetKey,
  instanceKey,
  type Key,
  onDemandKey,
  PLACEMENT_PREFIX,
  placementKey,
  QUEUE_ENTRY_PREFIX,
} from '../../../functions/platform/store/keys.ts';
import { DEPLOYMENT, isForeignAccount } from '../models/clouds.ts';
import { type Lab, SECRETS_PREFIX } from '../world/lab.ts';
import { type DoorsOf, wrongAccess, wrongDoors } from './check-doors.ts';
import { checkPolicy } from './check-policy.ts';
import { checkVolumes } from './check-volumes.ts';
import { ForgottenMachines } from './forgotten-machines.ts';
import { type Violation, violationBy } from './violation.ts';
import { checkSharing, sharedNames } from './watch-sharing.ts';

const keySchema = z.looseObject({ pk: z.string(), sk: z.string() });
const placementSchema = z.object({
  fleetId: z.string(),
  connectionKey: z.string(),
  location: z.string(),
  counts: z.record(z.string(), z.number()),
  microUsdPerHour: z.number(),
});
const STABLE = new Set(['Running', 'PartiallyRunning', 'Failed', 'Terminated', 'RolledBack', 'Suspended']);
const OVER = new Set(['Terminated', 'RolledBack']);

interface Records {
  fleets: FleetItem[];
  instances: InstanceItem[];
  placements: z.infer<typeof placementSchema>[];
  networks: Key[];
  names: string[];
  /** Number of on-demand seats that are taken, by fleet and node group. */
  seats: Map<string, number>;
}

function readRecords(lab: Lab): Records {
  const items = lab.tables.fleets.all().map((item) => keySchema.parse(item));
  const of = (prefix: string) => items.filter(({ pk }) => pk.startsWith(prefix));
  return {
    fleets: of('FLEET#')
      .filter(({ sk }) => sk === 'META')
      .map(parseFleetItem),
    placements: of('FLEET#')
      .filter(({ sk }) => sk.startsWith(PLACEMENT_PREFIX))
      .map((item) => placementSchema.parse(item)),
    instances: of('INST#').map((item) => instanceItemSchema.parse(item)),
    networks: of('NET#')
      .filter(({ status }) => status !== 'Gone')
      .map(({ pk, sk }) => ({ pk, sk })),
    names: of('NS#')
      .filter(({ sk }) => sk.startsWith('NAME#'))
      .map(({ sk }) => sk),
    seats: new Map(
      of('FLEET#')
        .filter(({ sk }) => sk.startsWith('ON-DEMAND#'))
        .map(({ pk, sk, taken }) => [`${pk} ${sk}`, Number(taken)]),
    ),
  };
}

/**
 * Checks a run that has come to rest: records, counters and clouds must agree.
 *
 * @param forgotten machines of which restored tables have no record; omit it if no table was restored
 */
export function checkEnd(lab: Lab, forgotten = new ForgottenMachines()): Violation[] {
  const violations: Violation[] = [];
  const add: Add = (kind, text, about) =>
    violations.push(violationBy(kind, text, about && lab.writers.of(about)));
  const records = readRecords(lab);
  for (const { name, machineArn } of lab.workflow.running) add('stuck', `${machineArn} ${name} still runs`);
  for (const { fleetId, status, work, heldUntilMs } of records.fleets) {
    const isHeld = status === 'Held' && heldUntilMs === undefined;
    if (!STABLE.has(status) && !isHeld)
      add('stuck', `fleet ${fleetId} is still ${status}`, fleetKey(fleetId));
    if (work !== undefined)
      add('stuck', `fleet ${fleetId} is ${status} and its work \`${work}\` is not done`, fleetKey(fleetId));
  }
  checkInstances(lab, records, forgotten, add);
  checkDoors(lab, records, add);
  violations.push(...checkVolumes(lab, records.instances, forgotten));
  checkCounters(records, add);
  checkSeats(records, add);
  checkFleets(lab, records, forgotten, add);
  checkSlots(lab, add);
  violations.push(...checkSharing(lab, forgotten));
  for (const text of lab.clouds.permits.ungoverned) add('limit', text);
  for (const text of lab.tables.refused) add('bug', text);
  return violations;
}

/**
 * @param about key of the wrong record, whose last writer the violation names; omit it if no single record is
 *   wrong
 */
type Add = (kind: Violation['kind'], text: string, about?: Key) => void;

function checkInstances(lab: Lab, { instances }: Records, forgotten: ForgottenMachines, add: Add): void {
  const machines = lab.clouds.machines().filter(({ status }) => status !== 'Terminated');
  const byId = Map.groupBy(machines, ({ ours }) => ours);
  const isExcused = (machine: (typeof machines)[number]) => forgotten.isExcused(lab, machine);
  for (const record of instances) {
    const key = instanceKey(record);
    const found = byId.get(record.instanceId) ?? [];
    // An instance that is still Planned when the run is at rest was stopped before its next attempt. It has
    // no machine.
    if (isClosed(record.status) || record.status === 'Planned') {
      for (const { backendId, status } of found.filter((one) => !isExcused(one))) {
        add(
          'leaked',
          `${backendId} is ${status}, and its record ${record.instanceId} is ${record.status}`,
          key,
        );
      }
      continue;
    }
    if (record.status !== 'Running') add('stuck', `${record.instanceId} is still ${record.status}`, key);
    const bound = found.find(({ backendId }) => backendId === record.backendId);
    if (!bound)
      add(
        'record',
        `${record.instanceId} is ${record.status}, and its machine ${record.backendId} is gone`,
        key,
      );
    else if (bound.status !== record.status) {
      add('record', `${record.instanceId} is ${record.status}, and its machine is ${bound.status}`, key);
    } else {
      if ((record.market ?? 'on-demand') !== (bound.market ?? 'on-demand'))
        add('record', `${record.instanceId} is ${record.market}, and its machine is ${bound.market}`, key);
      for (const name of ['publicIp', 'privateIp', 'ipv6', 'instanceType'] as const) {
        if (record[name] !== bound[name])
          add(
            'record',
            `${record.instanceId} has ${name} ${record[name]}, and its machine ${bound[name]}`,
            key,
          );
      }
    }
    for (const one of found) {
      if (one.backendId !== record.backendId && !isExcused(one))
        add('duplicated', `${record.instanceId} has a second machine ${one.backendId}`, key);
    }
  }
  const known = new Set(instances.map(({ instanceId }) => instanceId));
  for (const machine of machines) {
    const { ours, backendId, status } = machine;
    if (ours !== undefined && !known.has(ours) && !isExcused(machine))
      add('leaked', `${backendId} of ${ours} is ${status}, and has no record`);
  }
}

/** Checks that the on-demand seats of a node group that are taken are those of its records. */
function checkSeats({ instances, seats }: Records, add: Add): void {
  const seated = instances.filter(
    ({ status, onDemandSeats }) => onDemandSeats !== undefined && !isClosed(status),
  );
  const keyOf = ({ fleetId, nodeGroup }: InstanceItem) => {
    const { pk, sk } = onDemandKey(fleetId, nodeGroup);
    return `${pk} ${sk}`;
  };
  const byGroup = Map.groupBy(seated, keyOf);
  for (const key of new Set([...byGroup.keys(), ...seats.keys()])) {
    const [real, counted] = [byGroup.get(key)?.length ?? 0, seats.get(key) ?? 0];
    if (real !== counted) add('counter', `${key}: ${counted} seats are taken, and ${real} records have one`);
  }
  for (const { instanceId, market, onDemandSeats } of seated)
    if (market !== 'on-demand')
      add('record', `${instanceId} has one of ${onDemandSeats} seats on demand, and is ${market}`);
}

function checkCounters({ instances, placements }: Records, add: Add): void {
  for (const { fleetId, connectionKey, location, counts, microUsdPerHour } of placements) {
    const here = instances.filter(
      (one) => one.fleetId === fleetId && one.connectionKey === connectionKey && one.location === location,
    );
    const price = here
      .filter(({ status, runningSinceSeconds }) => !isClosed(status) && runningSinceSeconds !== undefined)
      .reduce((sum, one) => sum + one.microUsdPerHour, 0);
    if (price !== microUsdPerHour)
      add(
        'counter',
        `${fleetId} ${location}: the counted price is ${microUsdPerHour}, and the sum of the prices is ${price}`,
        placementKey(fleetId, connectionKey, location),
      );
    for (const status of new Set([...Object.keys(counts), ...here.map((one) => one.status)])) {
      const real = here.filter((one) => one.status === status).length;
      const counted = counts[status] ?? 0;
      if (real !== counted)
        add(
          'counter',
          `${fleetId} ${location}: counter of ${status} is ${counted}, and ${real} records have that status`,
          placementKey(fleetId, connectionKey, location),
        );
    }
  }
}

function checkDoors(lab: Lab, { fleets, instances }: Records, add: Add): void {
  const byId = new Map(lab.clouds.machines().map((machine) => [machine.backendId, machine]));
  const running = instances.flatMap((record): DoorsOf[] => {
    const machine = record.status === 'Running' ? byId.get(record.backendId ?? '') : undefined;
    const group = groupsOf(lab, record.fleetId).find(({ name }) => name === record.nodeGroup);
    return machine && group ? [{ machine, record, group }] : [];
  });
  const { sites } = lab.clouds;
  for (const text of [...wrongDoors(running, sites), ...wrongAccess(running, sites)]) add('record', text);
  for (const { fleetId, sshKeyParameter } of fleets) {
    const isNeeded = groupsOf(lab, fleetId).some(({ ssh }) => ssh?.publicKeys === undefined);
    if (!isNeeded && sshKeyParameter !== undefined)
      add('record', `fleet ${fleetId} has a key of its own, which no machine accepts`, fleetKey(fleetId));
  }
}

function checkFleets(lab: Lab, records: Records, forgotten: ForgottenMachines, add: Add): void {
  const { fleets, instances, networks } = records;
  for (const fleet of fleets) {
    const own = instances.filter((one) => one.fleetId === fleet.fleetId);
    if (OVER.has(fleet.status)) checkEnded(lab, records, fleet, own, forgotten, add);
    else if (fleet.status !== 'Held') checkPolicy(fleet, own, groupsOf(lab, fleet.fleetId), add);
  }
  const shared = sharedNames(lab);
  for (const { resources, key } of ownSites(lab)) {
    for (const part of resources.values()) {
      const { name, kind } = part;
      const ours = parseResourceName(DEPLOYMENT, name);
      const isKnown =
        networks.some(({ sk }) => ours !== undefined && sk.includes(ours)) || shared.includes(ours ?? '');
      if (ours !== undefined && !isKnown && !forgotten.isPartExcused(lab, part))
        add('leaked', `${kind} ${name} at ${key.location} has no record`);
    }
  }
}

/**
 * Returns the sites without accounts that a connection used only for a while. No worker can reach what is
 * left at such an account.
 */
const ownSites = ({ clouds }: Lab) => clouds.sites.filter(({ key }) => !isForeignAccount(key.account));

function groupsOf(lab: Lab, fleetId: string): FleetSpec['nodeGroups'] {
  return fleetSpecSchema.parse(lab.tables.fleets.get(`SPEC#${fleetId}`, 'SPEC')).nodeGroups;
}

function checkEnded(
  lab: Lab,
  { fleets, networks, names }: Records,
  { fleetId, name }: FleetItem,
  own: readonly InstanceItem[],
  forgotten: ForgottenMachines,
  add: Add,
): void {
  for (const one of own) {
    const isOver = isClosed(one.status) || one.status === 'Planned';
    if (!isOver) add('leaked', `${one.instanceId} of an ended fleet is ${one.status}`, instanceKey(one));
  }
  for (const { pk, sk } of networks) {
    if (pk.includes(fleetId)) add('leaked', `the record ${pk} ${sk} of an ended fleet is left`, { pk, sk });
  }
  for (const { resources, key } of ownSites(lab)) {
    for (const resource of resources.values()) {
      if (!resource.name.includes(fleetId.slice(1)) || forgotten.isPartExcused(lab, resource)) continue;
      add('leaked', `${key.location}: ${resource.name} of an ended fleet is left`);
    }
  }
  if (lab.parameters.value(`${SECRETS_PREFIX}/ssh/${fleetId}`) !== undefined)
    add('leaked', `the private key of ended fleet ${fleetId} is left`);
  const isTaken = fleets.some((other) => other.name === name && !OVER.has(other.status));
  if (!isTaken && names.includes(`NAME#${name}`))
    add('leaked', `the name lock ${name} of an ended fleet is left`);
}

/** Returns the keys of all launch queue entries. */
export function queuedLaunches({ tables }: Lab): { pk: string; sk: string }[] {
  return tables.governor
    .all()
    .map((item) => keySchema.parse(item))
    .filter(({ pk, sk }) => pk.startsWith('QUEUE#') && sk.startsWith(QUEUE_ENTRY_PREFIX));
}

/** Checks that no instance holds a slot or waits for one. In a run at rest, no instance is being created. */
function checkSlots(lab: Lab, add: Add): void {
  for (const { pk, sk } of queuedLaunches(lab)) add('stuck', `${sk} is queued at ${pk}`, { pk, sk });
  for (const item of lab.tables.governor.all()) {
    const { pk, sk } = keySchema.parse(item);
    // Location slots are not checked. A location slot that a dead worker holds is freed only when another
    // launch needs it.
    if (!pk.startsWith('CALL#') || sk !== 'create') continue;
    // Slots that have expired by the fastest clock are not checked, because no worker gives such slots back.
    const nowMs = lab.ground.now() + lab.skewMs;
    const holders = Object.keys(heldNow(siteStateSchema.parse(item).holders, nowMs));
    if (holders.length > 0) add('stuck', `slots of ${pk} are held by ${holders.join(', ')}`, { pk, sk });
  }
}
