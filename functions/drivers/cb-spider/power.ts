import type { InstanceStatus } from '../../model/status.ts';
import { DriverError } from '../contract/errors.ts';
import { anyAnswerSchema } from './answers.ts';
import type { MachineReader } from './machine-reader.ts';
import type { Registration } from './registration.ts';
import type { SpiderTransport } from './transport.ts';

type Action = 'suspend' | 'resume' | 'reboot';

/** Statuses that a machine has if the action is already done or under way. */
const DONE_IN: Readonly<Record<Action, readonly InstanceStatus[]>> = {
  suspend: ['Suspending', 'Suspended'],
  resume: ['Resuming', 'Running', 'Rebooting'],
  reboot: [],
};
const CONTROL_MS = 10_000;

/**
 * Stops, starts and reboots machines. Some clouds' drivers in CB-Spider answer only after the action has ended. If no
 * answer comes within CONTROL_MS, this class reads the machine's status.
 */
export class Power {
  readonly #transport: SpiderTransport;
  readonly #registration: Registration;
  readonly #reader: MachineReader;

  constructor(transport: SpiderTransport, registration: Registration, reader: MachineReader) {
    this.#transport = transport;
    this.#registration = registration;
    this.#reader = reader;
  }

  async control(location: string, backendId: string, action: Action): Promise<void> {
    const site = await this.#registration.site(location);
    const { status } = await this.#reader.get(site, backendId);
    if (DONE_IN[action].includes(status)) return;
    if (status === 'Terminated') throw new DriverError('NotFound', `machine ${backendId} no longer exists`);
    if (action === 'reboot' && status !== 'Running') {
      throw new DriverError('Conflict', `machine ${backendId} is ${status} and cannot be rebooted`);
    }
    const asked = await this.#transport.handOver({
      location,
      method: 'PUT',
      path: ['controlvm', backendId],
      query: { action },
      body: { ConnectionName: site.connectionName },
      answer: anyAnswerSchema,
      timeoutMs: CONTROL_MS,
    });
    if (asked !== 'under-way') return;
    const after = await this.#reader.get(site, backendId);
    if (DONE_IN[action].includes(after.status)) return;
    throw new DriverError('OutcomeUnknown', `CB-Spider did not confirm the ${action} of ${backendId}`, {
      call: 'PUT /controlvm',
    });
  }
}
