import { DescribeSpotInstanceRequestsCommand, type Instance } from '@aws-sdk/client-ec2';
import { DriverError } from '../contract/errors.ts';
import type { Ec2 } from './ec2.ts';

/** EC2's reason codes for a spot machine that it has taken back. */
const TAKEN_BACK: ReadonlySet<string> = new Set([
  'Server.SpotInstanceTermination',
  'Server.SpotInstanceShutdown',
]);
/** Maximum number of requests whose status a client remembers, and reads with one call. */
const MOST_KNOWN = 1_000;
const MOST_READ = 100;

/** Returns true if EC2 has taken the spot machine back. */
export const isTakenBack = ({ StateReason }: Pick<Instance, 'StateReason'>): boolean =>
  TAKEN_BACK.has(StateReason?.Code ?? '');

/**
 * Reads why EC2 has taken spot machines back. A machine's own reason says only that it was taken back. The status of its
 * spot request tells more, for example `instance-terminated-no-capacity`.
 */
export class Interruptions {
  readonly #ec2: Ec2;
  readonly #known = new Map<string, string>();

  constructor(ec2: Ec2) {
    this.#ec2 = ec2;
  }

  /**
   * Adds the words of the spot request's status to the reason of each machine that was taken back. If EC2 does not tell
   * the status, the reason stays as it is.
   */
  async explain(location: string, machines: readonly Instance[]): Promise<Instance[]> {
    const taken = machines.filter(isTakenBack).flatMap(({ SpotInstanceRequestId: id }) => id ?? []);
    if (taken.length > 0) await this.#read(location, taken);
    return machines.map((machine) => {
      const words = isTakenBack(machine) && this.#known.get(machine.SpotInstanceRequestId ?? '');
      if (!words) return machine;
      const { Code, Message = Code } = machine.StateReason ?? {};
      return { ...machine, StateReason: { Code, Message: `${Message} (${words})` } };
    });
  }

  async #read(location: string, ids: readonly string[]): Promise<void> {
    const unknown = ids.filter((id) => !this.#known.has(id)).slice(0, MOST_READ);
    if (unknown.length === 0) return;
    try {
      const command = new DescribeSpotInstanceRequestsCommand({ SpotInstanceRequestIds: unknown });
      const { SpotInstanceRequests = [] } = await this.#ec2.send(location, command);
      for (const { SpotInstanceRequestId: id = '', Status } of SpotInstanceRequests) {
        if (this.#known.size >= MOST_KNOWN) this.#known.clear();
        const words = [Status?.Code, Status?.Message].filter((part) => part !== undefined && part !== '');
        if (words.length > 0) this.#known.set(id, words.join(': '));
      }
    } catch (error) {
      // The reason in the machine's own state is known already, and the list must not fail for want of a better one.
      if (!(error instanceof DriverError)) throw error;
    }
  }
}
