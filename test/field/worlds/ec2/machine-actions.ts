import type { Action, Call } from './network-actions.ts';
import { nodesAt, tagsAt, textAt, textsAt } from './query.ts';
import { type Machine, machineXml, passes, Refusal, stateAt, stateXml } from './state.ts';

/** Durations of slow operations, in milliseconds. */
export interface Pace {
  bootMs: number;
  terminateMs: number;
  /** Time from `running` until answers have the private address. */
  addressMs: number;
}

export function machineActions(pace: Pace): Readonly<Record<string, Action>> {
  return {
    RunInstances: (call) => {
      const made = sameToken(call) ?? run(call, pace);
      const [first] = made;
      return {
        reservationId: first?.reservationId ?? '',
        instancesSet: made.map((machine) => machineXml(machine, call.nowMs)),
      };
    },
    DescribeInstances: ({ region, parameters, nowMs }) => {
      const ids = textsAt(parameters, 'InstanceId');
      const machines = ids.length > 0 ? ids.map((id) => region.machine(id)) : region.shown(nowMs);
      const found = machines.filter((machine) =>
        passes(parameters, machine.tags, (name) => valuesOf(machine, name, nowMs)),
      );
      const byReservation = Map.groupBy(found, ({ reservationId }) => reservationId);
      return {
        reservationSet: [...byReservation].map(([reservationId, members]) => ({
          reservationId,
          instancesSet: members.map((machine) => machineXml(machine, nowMs)),
        })),
      };
    },
    TerminateInstances: (call) => change(call, (machine) => end(machine, call.nowMs, pace)),
    StopInstances: (call) =>
      change(call, (machine) => {
        machine.stoppedAtMs = call.nowMs;
      }),
    StartInstances: (call) =>
      change(call, (machine) => {
        delete machine.stoppedAtMs;
        machine.runsAtMs = call.nowMs + pace.bootMs;
      }),
    RebootInstances: () => ({ return: true }),
  };
}

/**
 * Returns the machines that were made with the request's client token; undefined if there are none.
 *
 * @throws Refusal if all these machines have ended
 */
function sameToken({ region, parameters, nowMs }: Call): Machine[] | undefined {
  const token = textAt(parameters, 'ClientToken');
  const made = [...region.machines.values()].filter(({ clientToken }) => clientToken === token);
  if (token === '' || made.length === 0) return undefined;
  if (made.every((machine) => stateAt(machine, nowMs) === 'terminated')) {
    const message = 'The client token you have provided is associated with a terminated resource.';
    throw new Refusal(400, 'IdempotentInstanceTerminated', message);
  }
  return made;
}

function run({ region, parameters, nowMs }: Call, { bootMs, addressMs }: Pace): Machine[] {
  const [card] = nodesAt(parameters, 'NetworkInterface');
  const subnet = region.part('subnet', card ? textAt(card, 'SubnetId') : '', 'InvalidSubnetID.NotFound');
  const groupIds = card ? textsAt(card, 'SecurityGroupId') : [];
  const reservationId = region.newId('r');
  const count = region.take(
    subnet.facts.get('availability-zone') ?? '',
    Number(textAt(parameters, 'MinCount')),
    Number(textAt(parameters, 'MaxCount')),
    textAt(parameters, 'InstanceType'),
  );
  return Array.from({ length: count }, (_, launchIndex) => {
    const id = region.newId('i');
    const machine: Machine = {
      id,
      reservationId,
      launchIndex,
      clientToken: textAt(parameters, 'ClientToken'),
      type: textAt(parameters, 'InstanceType'),
      imageId: textAt(parameters, 'ImageId'),
      zone: subnet.facts.get('availability-zone') ?? '',
      vpcId: subnet.facts.get('vpc-id') ?? '',
      groupIds,
      tags: tagsAt(parameters, 'instance'),
      launchedAtMs: nowMs,
      runsAtMs: nowMs + bootMs,
      privateIpAtMs: addressMs === 0 ? nowMs : nowMs + bootMs + addressMs,
      privateIp: `10.0.${Math.floor(region.count / 250)}.${region.count % 250}`,
      publicIp: `203.0.113.${region.count % 250}`,
    };
    region.machines.set(id, machine);
    return machine;
  });
}

function change({ region, parameters, nowMs }: Call, apply: (machine: Machine) => void) {
  const machines = textsAt(parameters, 'InstanceId').map((id) => region.machine(id));
  return {
    instancesSet: machines.map((machine) => {
      const before = stateAt(machine, nowMs);
      apply(machine);
      return {
        instanceId: machine.id,
        previousState: stateXml(before),
        currentState: stateXml(stateAt(machine, nowMs)),
      };
    }),
  };
}

function end(machine: Machine, nowMs: number, { terminateMs }: Pace): void {
  machine.endsAtMs ??= nowMs + terminateMs;
  machine.reason ??= {
    code: 'Client.UserInitiatedShutdown',
    message: 'Client.UserInitiatedShutdown: User initiated shutdown',
  };
}

function valuesOf(machine: Machine, name: string, nowMs: number): string[] {
  switch (name) {
    case 'instance-id':
      return [machine.id];
    case 'instance-state-name':
      return [stateAt(machine, nowMs)];
    case 'client-token':
      return [machine.clientToken];
    case 'vpc-id':
      return [machine.vpcId];
    default:
      return [];
  }
}
