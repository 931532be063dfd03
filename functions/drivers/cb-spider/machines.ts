import type { InstanceStatus } from '../../model/status.ts';
import type { CloudInstance } from '../contract/driver.ts';
import { parseMachineName } from '../contract/names.ts';
import type { MachineAnswer } from './answers.ts';
import { cbSpiderMetadata } from './metadata.ts';

/**
 * Prefix of the backend id of a machine that CB-Spider does not know (a stray): `stray:` and the cloud's id. All other
 * backend ids are names.
 */
const STRAY = 'stray:';
const { maxNameLength } = cbSpiderMetadata;

const STATUSES: Readonly<Record<string, InstanceStatus>> = {
  Creating: 'Creating',
  Running: 'Running',
  Suspending: 'Suspending',
  Suspended: 'Suspended',
  Resuming: 'Resuming',
  Rebooting: 'Rebooting',
  Terminating: 'Terminating',
  Terminated: 'Terminated',
  NotExist: 'Terminated',
  Failed: 'Failed',
};

/**
 * Matches the keys under which clouds report a machine's status. The driver uses these statuses for machines that
 * CB-Spider does not know.
 */
const STATUS_KEY = /^(State|Status|Lifecycle(State)?|(Instance|Server|Vm)\w*Status(Name)?|InstanceState)$/i;
const GONE = /terminated|deallocated and deleted|\bdeleted\b/i;
const GOING = /terminating|shutting-down|deleting/i;

export function statusOf(word: string): InstanceStatus {
  return STATUSES[word] ?? 'Undefined';
}

export function strayId(systemId: string): string {
  return `${STRAY}${systemId}`;
}

/** Returns the cloud's id in a stray's backend id, and undefined for any other backend id. */
export function systemIdOfStray(backendId: string): string | undefined {
  return backendId.startsWith(STRAY) ? backendId.slice(STRAY.length) : undefined;
}

/**
 * Converts a machine to the terms of the driver contract. Returns undefined for a machine that this deployment did not
 * name.
 *
 * @param unmappedAs the backend id of a machine that CB-Spider does not know; such a machine may be a copy. Absent:
 * CB-Spider knows the machine's name. The name then proves which call made the machine, because CB-Spider makes only
 * one machine with a given name
 */
export function machineOf(
  deploymentId: string,
  name: string,
  status: InstanceStatus,
  answer: MachineAnswer | undefined,
  unmappedAs?: string,
): CloudInstance | undefined {
  const named = parseMachineName(deploymentId, name, maxNameLength);
  if (!named) return undefined;
  const { Region, VMSpecName, PublicIP, PrivateIP } = answer ?? {};
  const createdAtMs = startedAtMs(answer);
  return {
    backendId: unmappedAs ?? name,
    ...(unmappedAs === undefined ? { idempotencyKey: name } : {}),
    ...named,
    status,
    ...(Region?.Zone === undefined ? {} : { zone: Region.Zone }),
    ...(VMSpecName === undefined ? {} : { instanceType: VMSpecName }),
    ...(PublicIP === undefined ? {} : { publicIp: PublicIP }),
    ...(PrivateIP === undefined ? {} : { privateIp: PrivateIP }),
    ...(createdAtMs === undefined ? {} : { createdAtMs }),
  };
}

/**
 * Returns the status of a machine that CB-Spider does not know. If the cloud's own status says that the machine has
 * ended or is ending, that status decides, because EC2 shows a removed machine for an hour. Otherwise the machine
 * counts as being started, because CB-Spider stores a new machine's name last.
 */
export function statusOfUnmapped({ KeyValueList }: MachineAnswer): InstanceStatus {
  const told = KeyValueList.filter(({ Key }) => STATUS_KEY.test(Key)).map(({ Value }) => Value);
  if (told.some((word) => GONE.test(word))) return 'Terminated';
  return told.some((word) => GOING.test(word)) ? 'Terminating' : 'Creating';
}

/** Reads the start time. Returns undefined if the cloud does not report it; CB-Spider then sends the year 1. */
export function startedAtMs(answer: Pick<MachineAnswer, 'StartTime'> | undefined): number | undefined {
  const atMs = Date.parse(answer?.StartTime ?? '');
  return Number.isNaN(atMs) || atMs <= 0 ? undefined : atMs;
}
