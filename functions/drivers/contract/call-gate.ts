import type { CallKind } from '../../model/limit-profile.ts';

/** Describes one HTTP request to a cloud, in the cloud's own terms. */
export interface CloudCall {
  /** The cloud's name of the action, with its service: `ec2:RunInstances`, `nova:POST /servers`. */
  action: string;
  /**
   * The kind of call, which selects the connection's rate limit for it. `sign-in`: the call gets or registers a
   * credential, at STS, Keystone or CB-Spider itself. It reaches no compute, network or image service, and therefore
   * needs no permit.
   */
  kind: CallKind | 'sign-in';
  /** Undefined if the call concerns the whole account. */
  location: string | undefined;
  /** For a create call: the number of machines that it requests. The governor counts each of them. Absent: one. */
  machines?: number;
}

/**
 * Grants the right to send one request. Only a call gate makes permits. It passes each permit to the function that
 * sends the request.
 */
export class Permit {
  readonly call: CloudCall;
  #isUsed = false;

  constructor(call: CloudCall) {
    this.call = call;
  }

  /**
   * Marks the permit as used. The function that sends the request calls this. @throws Error when the permit was used
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
 * refuses. After a throttled call, the gate slows down calls of that kind. Throttled creates are the exception: their
 * launches report them to the governor.
 */
export interface CallGate {
  /**
   * Waits for a permit as long as the driver's caller allows, then sends the request.
   *
   * @param request sends exactly one HTTP request; its errors are rethrown
   * @throws DriverError NoPermit when no permit came in time; the request was not sent
   */
  send<Answer>(call: CloudCall, request: (permit: Permit) => Promise<Answer>): Promise<Answer>;
}
