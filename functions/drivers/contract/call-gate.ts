import type { CallKind } from '../../model/limit-profile.ts';

/** One HTTP request to a cloud, named as the cloud names it. */
export interface CloudCall {
  /** The cloud's name of the action, with the service: `ec2:RunInstances`, `nova:POST /servers`. */
  action: string;
  /**
   * Which of the connection's rates the cloud counts it by. `sign-in`: it gets or registers a credential, at STS,
   * Keystone or CB-Spider itself. No compute, network or image service sees it, so it needs no permit.
   */
  kind: CallKind | 'sign-in';
  /** Undefined: the call is about the account, and about no single location. */
  location: string | undefined;
  /** Of a create: how many machines the request is for, each of which the governor permits; absent: one. */
  machines?: number;
}

/** The right to send one request. Only a gate makes permits, and passes each to the function that sends. */
export class Permit {
  readonly call: CloudCall;
  #isUsed = false;

  constructor(call: CloudCall) {
    this.call = call;
  }

  /** Marks the permit as used. Called where the request leaves. @throws Error when it was used before */
  use(): void {
    if (this.#isUsed)
      throw new Error(`${this.call.action}: a permit is for one request, and was used before`);
    this.#isUsed = true;
  }
}

/**
 * What every request of a driver passes. The worker's gate asks the governor for a permit, logs what a cloud refuses,
 * and slows that kind of call down after a throttle.
 */
export interface CallGate {
  /**
   * Waits for a permit for as long as the caller of the driver allows, then sends.
   *
   * @param request sends exactly one HTTP request. What it throws is thrown on
   * @throws DriverError NoPermit when there is no permit in time; nothing was sent then
   */
  send<Answer>(call: CloudCall, request: (permit: Permit) => Promise<Answer>): Promise<Answer>;
}
