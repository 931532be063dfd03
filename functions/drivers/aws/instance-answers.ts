import type { Instance } from '@aws-sdk/client-ec2';
import { parseLaunchToken } from '../../model/identifiers.ts';
import type { InstanceStatus } from '../../model/status.ts';
import { type CloudInstance, INSTANCE_TAG } from '../contract/driver.ts';
import { tokenAt } from '../contract/launch-list.ts';
import { parseMachineName } from '../contract/names.ts';
import { boundQuota } from '../contract/quota.ts';
import { isTakenBack } from './interruptions.ts';
import { quotaOf } from './quota-codes.ts';
import { NAME_TAG, tagValue, tokenValues } from './tags.ts';

const STATUSES: ReadonlyMap<string, InstanceStatus> = new Map([
  ['pending', 'Creating'],
  ['running', 'Running'],
  ['stopping', 'Suspending'],
  ['stopped', 'Suspended'],
  ['shutting-down', 'Terminating'],
  ['terminated', 'Terminated'],
]);

/** States in which EC2 tells why a machine ended. The reason may be gone when the machine is `terminated`. */
const ENDING: ReadonlySet<string> = new Set(['shutting-down', 'terminated']);

/**
 * EC2's reason codes for a machine that ended because a user or the machine itself requested its end. Any other code
 * counts as a failure.
 */
const ASKED_FOR: ReadonlySet<string> = new Set([
  'Client.UserInitiatedShutdown',
  'Client.InstanceInitiatedShutdown',
]);

/**
 * Maximum time in ms from the attachment of the network interface to the launch time, if the machine was started only
 * once. A longer time means that the machine was stopped and started again.
 */
const SAME_START_MS = 5_000;

/** Converts a machine to the terms of the driver contract. */
export function cloudInstance(machine: Instance, deploymentId: string): CloudInstance {
  const {
    InstanceId = '',
    InstanceType,
    Placement,
    PublicIpAddress,
    PrivateIpAddress,
    Ipv6Address,
    NetworkInterfaces,
    ClientToken,
  } = machine;
  const ipv6 = Ipv6Address ?? NetworkInterfaces?.[0]?.Ipv6Addresses?.[0]?.Ipv6Address;
  const failureMessage = failureOf(machine);
  const createdAt = createdAtOf(machine);
  return {
    backendId: InstanceId,
    ...identityOf(machine, deploymentId),
    ...(tagValue(machine.Tags, INSTANCE_TAG) === undefined ? { isUnnamed: true as const } : {}),
    status: statusOf(machine),
    ...(Placement?.AvailabilityZone === undefined ? {} : { zone: Placement.AvailabilityZone }),
    ...(InstanceType === undefined ? {} : { instanceType: InstanceType }),
    ...(PublicIpAddress ? { publicIp: PublicIpAddress } : {}),
    ...(PrivateIpAddress ? { privateIp: PrivateIpAddress } : {}),
    ...(ipv6 ? { ipv6 } : {}),
    ...(createdAt ? { createdAtMs: createdAt.getTime() } : {}),
    ...(ClientToken ? { idempotencyKey: ClientToken } : {}),
    ...(machine.State?.Name === undefined ? {} : { cloudStatus: machine.State.Name }),
    ...(failureMessage === undefined ? {} : { failureMessage, ...failureCodeOf(machine) }),
    ...(failureMessage !== undefined && isTakenBack(machine) ? { isInterrupted: true } : {}),
  };
}

function identityOf(
  { Tags, AmiLaunchIndex = 0 }: Instance,
  deploymentId: string,
): Pick<CloudInstance, 'instanceId' | 'launchToken'> {
  const launchToken = tokenAt(tokenValues(Tags), AmiLaunchIndex);
  const named = parseMachineName(deploymentId, tagValue(Tags, NAME_TAG) ?? '');
  const token = launchToken ?? named?.launchToken;
  // A machine of a batch may not have the tag with its instance id yet. The id is then read from the launch token,
  // which consists of the id and the attempt number.
  const instanceId =
    tagValue(Tags, INSTANCE_TAG) ??
    (token !== undefined && parseLaunchToken(token) ? token.slice(0, token.lastIndexOf('.')) : undefined);
  return {
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(token === undefined ? {} : { launchToken: token }),
  };
}

function statusOf({ State, LaunchTime, NetworkInterfaces }: Instance): InstanceStatus {
  const status = STATUSES.get(State?.Name ?? '') ?? 'Undefined';
  if (status !== 'Creating') return status;
  // EC2 reports `pending` for a create and for a start. A start sets a new launch time, and the interface stays
  // attached.
  const attachedMs = NetworkInterfaces?.[0]?.Attachment?.AttachTime?.getTime() ?? Number.NaN;
  const startedMs = LaunchTime?.getTime() ?? Number.NaN;
  return startedMs - attachedMs > SAME_START_MS ? 'Resuming' : 'Creating';
}

function createdAtOf({ LaunchTime, NetworkInterfaces }: Instance): Date | undefined {
  const attached = NetworkInterfaces?.[0]?.Attachment?.AttachTime;
  return attached && LaunchTime && attached < LaunchTime ? attached : LaunchTime;
}

/**
 * Returns why a machine ended or is ending. Undefined for any other machine, or if a user or the machine itself
 * requested the end.
 */
function failureOf({ State, StateReason }: Instance): string | undefined {
  const code = StateReason?.Code;
  if (!ENDING.has(State?.Name ?? '') || !code || ASKED_FOR.has(code)) return undefined;
  return StateReason?.Message || code;
}

/**
 * Classifies the reason why a machine ended before it ran: EC2 may accept a launch, and find no capacity later, or no
 * quota, for example of volumes.
 */
function failureCodeOf({ StateReason }: Instance): Pick<CloudInstance, 'failureCode' | 'failureQuota'> {
  const code = StateReason?.Code ?? '';
  if (code === 'Server.InsufficientInstanceCapacity') return { failureCode: 'InsufficientCapacity' };
  const quota = quotaOf(code.replace(/^(Client|Server)\./, ''), StateReason?.Message ?? '');
  return quota ? { failureCode: 'QuotaExceeded', failureQuota: boundQuota(quota) } : {};
}
