import {
  DescribeInstancesCommand,
  type Instance,
  RebootInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { type CloudInstance, DEPLOYMENT_TAG } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { type Ec2, PAGE_SIZE } from './ec2.ts';
import { unless } from './errors.ts';
import { cloudInstance } from './instance-answers.ts';
import { Interruptions } from './interruptions.ts';
import { valuesWith } from './launch-filter.ts';
import { filter, isOf, TOKEN_TAGS, tagFilter } from './tags.ts';

/** Only machines in these states are listed, because EC2 still shows a machine for an hour after its end. */
const NOT_GONE = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];

/** Maximum number of ids in one call: EC2 allows 200 values in one filter. */
export const MAX_IDS = 200;

/** Reads, terminates, stops, starts and reboots machines. */
export class Instances {
  readonly #ec2: Ec2;
  readonly #deploymentId: string;
  readonly #interruptions: Interruptions;

  constructor(ec2: Ec2, deploymentId: string) {
    this.#ec2 = ec2;
    this.#deploymentId = deploymentId;
    this.#interruptions = new Interruptions(ec2);
  }

  async get(location: string, id: string): Promise<CloudInstance> {
    const { Reservations } = await this.#ec2.send(
      location,
      new DescribeInstancesCommand({ InstanceIds: [id] }),
    );
    const shown = Reservations?.[0]?.Instances?.slice(0, 1) ?? [];
    const [machine] = await this.#interruptions.explain(location, shown);
    if (machine && isOf(this.#deploymentId, machine)) return cloudInstance(machine, this.#deploymentId);
    throw new DriverError('NotFound', `this deployment has no machine ${id} in ${location}`);
  }

  /**
   * Lists machines.
   *
   * @param ids the machines to list; absent: all. The ids are sent as a filter, because one unknown id in EC2's
   * parameter `InstanceIds` makes the whole call fail
   */
  async list(location: string, ids?: readonly string[]): Promise<CloudInstance[]> {
    const machines = await this.#describe(location, [
      filter('instance-state-name', ...NOT_GONE),
      ...(ids ? [filter('instance-id', ...ids)] : []),
    ]);
    const explained = await this.#interruptions.explain(location, machines);
    return explained.map((machine) => cloudInstance(machine, this.#deploymentId));
  }

  /**
   * Finds a machine by the tags with its launch token. A filter by client token would not suffice, because all machines
   * of a batch share one client token. EC2 combines filters of several tags by "and". Therefore each tag needs a request.
   */
  async findByToken(location: string, token: string): Promise<CloudInstance | undefined> {
    for (const tag of TOKEN_TAGS) {
      const machines = await this.#describe(location, [tagFilter(tag, ...valuesWith(token))]);
      const found = machines
        .map((machine) => cloudInstance(machine, this.#deploymentId))
        .filter(({ launchToken }) => launchToken === token);
      const [first] = found;
      if (first) return found.find(({ status }) => status !== 'Terminated' && status !== 'Failed') ?? first;
    }
    return undefined;
  }

  async terminate(location: string, id: string): Promise<void> {
    const call = new TerminateInstancesCommand({ InstanceIds: [id] });
    await unless(['NotFound'], () => this.#ec2.send(location, call));
  }

  async stop(location: string, id: string): Promise<void> {
    await this.#ec2.send(location, new StopInstancesCommand({ InstanceIds: [id] }));
  }

  async start(location: string, id: string): Promise<void> {
    await this.#ec2.send(location, new StartInstancesCommand({ InstanceIds: [id] }));
  }

  async reboot(location: string, id: string): Promise<void> {
    await this.#ec2.send(location, new RebootInstancesCommand({ InstanceIds: [id] }));
  }

  async #describe(location: string, filters: { Name: string; Values: string[] }[]): Promise<Instance[]> {
    const Filters = [tagFilter(DEPLOYMENT_TAG, this.#deploymentId), ...filters];
    return await this.#ec2.all(
      (NextToken) =>
        this.#ec2.send(location, new DescribeInstancesCommand({ Filters, NextToken, MaxResults: PAGE_SIZE })),
      ({ Reservations }) => Reservations?.flatMap(({ Instances: machines }) => machines ?? []),
    );
  }
}
