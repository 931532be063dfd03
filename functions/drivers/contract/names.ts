import { createHash } from 'node:crypto';
import { MAX_DATA_DISKS } from '../../model/disk.ts';
import { MAX_INSTANCES_PER_FLEET } from '../../model/fleet-request.ts';
import { instanceId, launchToken, MAX_DEPLOYMENT_ID, parseLaunchToken } from '../../model/identifiers.ts';

/**
 * Defines the names of a deployment's machines, disks and network resources. At a cloud without tags, only the name tells
 * which deployment a resource belongs to. The names have these forms:
 *
 * ```
 * machine   fw-<deployment>-<fleet id without its f, 16><position, 5 digits><attempt, 2 digits of base 36>
 * disk      fw-<deployment>-<fleet id without its f, 16><position, 3 digits of base 36><attempt, 2 digits of base 36>d<disk>
 * resource  fw-<deployment>-<name of the resource in the deployment, 1 to 23 of a-z and 0-9>
 * ```
 *
 * A name has at most 63 characters of a-z, 0-9 and `-`, and begins with a letter. The part after the deployment's id
 * has no `-`. The last `-` therefore ends the id, even if the id contains further `-`. No two deployments, launch
 * tokens or resources share a name, and no deployment's prefix is the beginning of another deployment's prefix.
 *
 * If a cloud does not allow such long names, `fw<5 digits of base 36>` replaces `fw-<deployment>-`. The digits are
 * computed from a hash of the deployment's id. Such names have at most 30 characters and no `-`. Of 60 million pairs of
 * deployments, about one pair shares such a prefix.
 */
export const SHORTEST_NAME_LIMIT = 30;
const LONGEST_NAME = 63;
const LONGEST_REST = 23;
const DEPLOYMENT_ID = new RegExp(`^[a-z0-9-]{1,${MAX_DEPLOYMENT_ID}}$`);
const RESOURCE = /^[a-z0-9]{1,23}$/;
const MACHINE = /^([0-9a-z]{16})([0-9]{5})([0-9a-z]{2})$/;
const DISK = /^([0-9a-z]{16})([0-9a-z]{3})([0-9a-z]{2})d([0-9a-z])$/;
const ROOT_DISK = 'r';
const BASE = 36;

export interface MachineIdentity {
  instanceId: string;
  launchToken: string;
}

/**
 * Returns the prefix of all names of a deployment, for clouds that list by prefix.
 *
 * @param maxLength maximum length of a name at the cloud: the driver's `maxNameLength`
 * @throws RangeError if `maxLength` is below 30
 */
export function namePrefix(deploymentId: string, maxLength: number = LONGEST_NAME): string {
  if (!DEPLOYMENT_ID.test(deploymentId)) throw new RangeError(`${deploymentId} is not a deployment id`);
  if (maxLength < SHORTEST_NAME_LIMIT)
    throw new RangeError(
      `machine names need ${SHORTEST_NAME_LIMIT} characters, but the maximum is ${maxLength}`,
    );
  const prefix = `fw-${deploymentId}-`;
  return prefix.length + LONGEST_REST <= maxLength ? prefix : shortPrefix(deploymentId);
}

function shortPrefix(deploymentId: string): string {
  const digest = createHash('sha256').update(deploymentId).digest().readUIntBE(0, 6);
  return `fw${(digest % BASE ** 5).toString(BASE).padStart(5, '0')}`;
}

/**
 * Returns a machine's name at the cloud. @throws RangeError if the token is invalid, or its attempt number is above
 * 1,295
 */
export function machineName(deploymentId: string, token: string, maxLength?: number): string {
  const parsed = parseLaunchToken(token);
  if (!parsed || parsed.attempt >= BASE ** 2) throw new RangeError(`${token} is not a launch token`);
  const { fleetId, index, attempt } = parsed;
  const position = String(index).padStart(5, '0');
  return `${namePrefix(deploymentId, maxLength)}${fleetId.slice(1)}${position}${attempt.toString(BASE).padStart(2, '0')}`;
}

/**
 * Reads the launch token and the instance id from a machine's name. Returns undefined for a name that this deployment
 * did not give.
 */
export function parseMachineName(
  deploymentId: string,
  name: string,
  maxLength?: number,
): MachineIdentity | undefined {
  const [, fleet, position, attempt] = MACHINE.exec(afterPrefix(deploymentId, name, maxLength) ?? '') ?? [];
  if (fleet === undefined || position === undefined || attempt === undefined) return undefined;
  const id = instanceId({ fleetId: `f${fleet}`, index: Number(position) });
  return { instanceId: id, launchToken: launchToken(id, Number.parseInt(attempt, BASE)) };
}

/** One disk of a machine: its root disk, or its n-th data disk, from 0. */
export type DiskIndex = 'root' | number;

export interface DiskIdentity extends MachineIdentity {
  disk: DiskIndex;
}

/**
 * Returns the name of a volume at the cloud, for a machine's disk. @throws RangeError if the token is invalid, or the
 * disk has no name
 */
export function diskName(deploymentId: string, token: string, disk: DiskIndex, maxLength?: number): string {
  const parsed = parseLaunchToken(token);
  const digit = disk === 'root' ? ROOT_DISK : disk.toString(MAX_DATA_DISKS);
  if (!parsed || parsed.attempt >= BASE ** 2 || parsed.index >= BASE ** 3 || digit.length !== 1) {
    throw new RangeError(`disk ${disk} of ${token} has no name`);
  }
  const { fleetId, index, attempt } = parsed;
  const digits = (value: number, length: number) => value.toString(BASE).padStart(length, '0');
  const machine = `${fleetId.slice(1)}${digits(index, 3)}${digits(attempt, 2)}`;
  return `${namePrefix(deploymentId, maxLength)}${machine}d${digit}`;
}

/**
 * Reads the launch token, the instance id and the disk from a volume's name. Returns undefined for a name that this
 * deployment did not give.
 */
export function parseDiskName(
  deploymentId: string,
  name: string,
  maxLength?: number,
): DiskIdentity | undefined {
  const [, fleet, position, attempt, digit] =
    DISK.exec(afterPrefix(deploymentId, name, maxLength) ?? '') ?? [];
  if (fleet === undefined || position === undefined || attempt === undefined || digit === undefined) {
    return undefined;
  }
  const disk = digit === ROOT_DISK ? 'root' : Number.parseInt(digit, MAX_DATA_DISKS);
  const index = Number.parseInt(position, BASE);
  if (Number.isNaN(disk) || index >= MAX_INSTANCES_PER_FLEET) return undefined;
  const id = instanceId({ fleetId: `f${fleet}`, index });
  return { instanceId: id, launchToken: launchToken(id, Number.parseInt(attempt, BASE)), disk };
}

/**
 * Returns a resource's name at the cloud.
 *
 * @param name unique in the deployment among the resources of one kind at one site
 * @throws RangeError if the name is invalid
 */
export function resourceName(deploymentId: string, name: string, maxLength?: number): string {
  if (!RESOURCE.test(name)) throw new RangeError(`${name} is not the name of a network resource`);
  return `${namePrefix(deploymentId, maxLength)}${name}`;
}

/**
 * Reads a resource's name in the deployment from the resource's name at the cloud. Returns undefined for a name that
 * this deployment did not give.
 */
export function parseResourceName(
  deploymentId: string,
  name: string,
  maxLength?: number,
): string | undefined {
  const rest = afterPrefix(deploymentId, name, maxLength);
  return rest !== undefined && RESOURCE.test(rest) ? rest : undefined;
}

function afterPrefix(deploymentId: string, name: string, maxLength?: number): string | undefined {
  const prefix = namePrefix(deploymentId, maxLength);
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
}
