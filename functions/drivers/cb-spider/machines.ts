import type { InstanceStatus } from '../../model/status.ts';
import type { CloudInstance } from '../contract/driver.ts';
import { parseMachineName } from '../contract/names.ts';
import type { MachineAnswer } from './answers.ts';
import { cbSpiderMetadata } from './metadata.ts';

/**
 * A machine that CB-Spider does not know by name: `stray:` and the cloud's id. Every other one's backend id is its name.
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

/** Keys under which clouds tell a machine's status, where CB-Spider has none of its own for it. */
const STATUS_KEY = /^(State|Status|Lifecycle(State)?|(Instance|Server|Vm)\w*Status(Name)?|InstanceState)$/i;
const GONE = /terminated|deallocated and deleted|\bdeleted\b/i;
const GOING = /terminating|shutting-down|deleting/i;

export function statusOf(word: string): InstanceStatus {
  return STATUSES[word] ?? 'Undefined';
}

export function strayId(systemId: string): string {
  return `${STRAY}${systemId}`;
}

/** The cloud's id in a stray's backend id; undefined for any other. */
export function systemIdOfStray(backendId: string): string | undefined {
  return backendId.startsWith(STRAY) ? backendId.slice(STRAY.length) : undefined;
}

/**
 * In the words of the driver contract; undefined for a machine that this deployment did not name.
 *
 * @param unmappedAs the backend id of a machine that CB-Spider has no name for. CB-Spider makes one machine of one name:
 * where it has the name, that proves which call made the machine; what the cloud alone has may be a copy
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
 * What is known of a machine that CB-Spider has no name for: most are being started, since it writes names down last.
 * EC2 shows removed machines for an hour, so that what the cloud says of them is looked into.
 */
export function statusOfUnmapped({ KeyValueList }: MachineAnswer): InstanceStatus {
  const told = KeyValueList.filter(({ Key }) => STATUS_KEY.test(Key)).map(({ Value }) => Value);
  if (told.some((word) => GONE.test(word))) return 'Terminated';
  return told.some((word) => GOING.test(word)) ? 'Terminating' : 'Creating';
}

/** A time that a cloud does not tell is the first year of all. */
export function startedAtMs(answer: Pick<MachineAnswer, 'StartTime'> | undefined): number | undefined {
  const atMs = Date.parse(answer?.StartTime ?? '');
  return Number.isNaN(atMs) || atMs <= 0 ? undefined : atMs;
}
