import type { CallKind } from '../../model/limit-profile.ts';

/** Describes one HTTP request to a cloud, in the cloud's own terms. */
export interface CloudCall {
  /** The cloud's name of the action, with its service: `ec2:RunInstances`, `nova:POST /servers`. */
  action: string;
  /**
   * The kind of call. It selects the connection's rate limit that applies to the call. `sign-in`: the call gets or
   * registers a credential at STS, Keystone or CB-Spider itself. Such a call reaches no compute, network or image
   * service. Therefore the gate sends the call without asking the governor.
   */
  kind: CallKind | 'sign-in';
  /** Undefined if the call concerns the whole account. */
  location: string | undefined;
  /** For a create call: the number of machines that it requests. The governor counts each machine. Absent: one. */
  machines?: number;
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
   * Marks the permit as used. The function that sends the request calls this. @throws Error if the permit was used
   * before
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
 * Controls every request of a driver. The worker's gate asks the governor for a permit, and logs each call that a cloud
 * refuses. After a throttled call, the gate slows down later calls of that kind. It does not slow down after a
 * throttled create, because the launch reports that throttle to the governor.
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
