import type { CallKind } from '../../model/limit-profile.ts';

/** Describes one HTTP request to a cloud, in the cloud's own terms. */
export interface CloudCall {
  /** The cloud's name of the action, with its service: `ec2:RunInstances`, `nova:POST /servers`. */
  action: string;
  /**
   * Selects the rate limit for this call. `sign-in`: the call goes only to STS, Keystone or CB-Spider itself, and
   * reaches no compute, network or image service. The gate does not ask the governor for a permit for such a call.
   */
  kind: CallKind | 'sign-in';
  /** Undefined if the call concerns the whole account. */
  location: string | undefined;
  /**
   * Number of machines that a create call asks for, or that another call names. Some clouds meter these, too. Absent: one
   * machine.
   */
  machines?: number;
  /** True if the driver works without the call. The health of a connection does not tell of its denials. */
  isOptional?: boolean;
}

/**
 * Grants the right to send one request. Only a call gate makes permits. The gate passes each permit to the function
 * that sends the request.
 */
export class Permit {
  readonly call: CloudCall;
  #isUsed = false;

  constructor(call: CloudCall) {
    this.call = call;
  }

  /**
   * Marks the permit as used. The function that sends the request calls this method. @throws Error if the permit was
   * used before
   */
  use(): void {
    if (this.#isUsed)
      throw new Error(
        `${this.call.action}: the permit was used before; each request needs a permit of its own`,
      );
    this.#isUsed = true;
  }
}

/**
 * Decides when a driver may send a request. In a worker, the gate asks the governor for a permit, and logs each call
 * that a cloud refuses. If the cloud throttles a `list` or `mutate` call, the gate slows down later calls of the same
 * kind. After a throttled `create`, the worker of the launch slows down later calls instead of the gate.
 */
export interface CallGate {
  /**
   * Waits for a permit as long as the driver's caller allows, then sends the request.
   *
   * @param request sends exactly one HTTP request; the gate rethrows its errors
   * @throws DriverError NoPermit if no permit came in time; the request is then not sent
   */
  send<Answer>(call: CloudCall, request: (permit: Permit) => Promise<Answer>): Promise<Answer>;
}
