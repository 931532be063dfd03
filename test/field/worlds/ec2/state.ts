import { nodesAt, type Parameters, textAt, textsAt } from './query.ts';
import type { Xml } from './xml.ts';

/** An error answer of EC2. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type PartKind =
  | 'vpc'
  | 'subnet'
  | 'internet-gateway'
  | 'route-table'
  | 'security-group'
  | 'key-pair'
  | 'launch-template';

/** A network resource, a key pair or a launch template. */
export interface Part {
  kind: PartKind;
  id: string;
  tags: Map<string, string>;
  createdAtMs: number;
  /** Properties of the resource, such as its VPC and its name. The keys are names of EC2's filters. */
  facts: Map<string, string>;
}

export interface Machine {
  id: string;
  reservationId: string;
  launchIndex: number;
  clientToken: string;
  type: string;
  imageId: string;
  zone: string;
  vpcId: string;
  groupIds: readonly string[];
  tags: Map<string, string>;
  launchedAtMs: number;
  /** Time at which the machine becomes `running`. */
  runsAtMs: number;
  stoppedAtMs?: number;
  /**
   * Time at which the machine becomes `terminated`. From the terminate call until then, the machine is
   * `shutting-down`.
   */
  endsAtMs?: number;
  reason?: { code: string; message: string };
  /** True if EC2 shows the reason only while the machine is `shutting-down`. */
  forgetsReason?: boolean;
  privateIp: string;
  /** Time from which answers have the private address. */
  privateIpAtMs: number;
  publicIp: string;
}

const CODES = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48, stopping: 64, stopped: 80 };
type State = keyof typeof CODES;

export function stateAt(machine: Machine, nowMs: number): State {
  if (machine.endsAtMs !== undefined) return nowMs >= machine.endsAtMs ? 'terminated' : 'shutting-down';
  if (machine.stoppedAtMs !== undefined) return nowMs >= machine.stoppedAtMs ? 'stopped' : 'stopping';
  return nowMs >= machine.runsAtMs ? 'running' : 'pending';
}

export const stateXml = (state: State): Xml => ({ code: CODES[state], name: state });

export function machineXml(machine: Machine, nowMs: number): Xml {
  const state = stateAt(machine, nowMs);
  const hasPublic = state === 'running';
  return {
    instanceId: machine.id,
    imageId: machine.imageId,
    instanceState: stateXml(state),
    instanceType: machine.type,
    amiLaunchIndex: machine.launchIndex,
    clientToken: machine.clientToken === '' ? undefined : machine.clientToken,
    launchTime: isoOf(machine.launchedAtMs),
    placement: { availabilityZone: machine.zone },
    vpcId: machine.vpcId,
    privateIpAddress: state === 'terminated' || nowMs < machine.privateIpAtMs ? undefined : machine.privateIp,
    ipAddress: hasPublic ? machine.publicIp : undefined,
    stateReason: state === 'terminated' && machine.forgetsReason ? undefined : machine.reason,
    networkInterfaceSet:
      state === 'terminated'
        ? []
        : [
            {
              networkInterfaceId: `eni-${machine.id}`,
              attachment: { attachTime: isoOf(machine.launchedAtMs) },
            },
          ],
    tagSet: tagsXml(machine.tags),
  };
}

export const isoOf = (ms: number): string => new Date(ms).toISOString();

export function tagsXml(tags: ReadonlyMap<string, string>): Xml {
  return [...tags].map(([key, value]) => ({ key, value }));
}

/**
 * Returns true if a resource matches all filters of a request. `*` matches any text. One matching value of a
 * filter is enough.
 */
export function passes(
  parameters: Parameters,
  tags: ReadonlyMap<string, string>,
  valuesOf: (name: string) => readonly string[],
): boolean {
  return nodesAt(parameters, 'Filter').every((filter) => {
    const name = textAt(filter, 'Name');
    const wanted = textsAt(filter, 'Value').map(patternOf);
    return filterValues(name, tags, valuesOf).some((value) => wanted.some((pattern) => pattern.test(value)));
  });
}

function filterValues(
  name: string,
  tags: ReadonlyMap<string, string>,
  valuesOf: (name: string) => readonly string[],
): readonly string[] {
  if (name === 'tag-key') return [...tags.keys()];
  if (!name.startsWith('tag:')) return valuesOf(name);
  const value = tags.get(name.slice('tag:'.length));
  return value === undefined ? [] : [value];
}

function patternOf(value: string): RegExp {
  const parts = value.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
