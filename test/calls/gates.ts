import { type CallGate, type CloudCall, Permit } from '../../functions/drivers/contract/call-gate.ts';
import { DriverError } from '../../functions/drivers/contract/errors.ts';

/** Permits every request. Tests use this gate for a driver without the governor. */
export const openGate: CallGate = { send: (call, request) => request(new Permit(call)) };

/** Permits and records requests. A test can make it refuse requests. */
export class CountingGate implements CallGate {
  /** The permitted requests, in the order in which they were sent. */
  readonly calls: CloudCall[] = [];
  #refusesAfter = Number.POSITIVE_INFINITY;

  /** Permits `count` further requests, and refuses all requests after these. Sign-ins are not counted. */
  refuseAfter(count: number): void {
    this.#refusesAfter = this.governed.length + count;
  }

  /** The number of further requests that the gate permits. */
  get left(): number {
    return Math.max(0, this.#refusesAfter - this.governed.length);
  }

  /** Permits all further requests. */
  open(): void {
    this.#refusesAfter = Number.POSITIVE_INFINITY;
  }

  /** The permitted requests without sign-ins, which need no permit. */
  get governed(): readonly CloudCall[] {
    return this.calls.filter(({ kind }) => kind !== 'sign-in');
  }

  async send<Answer>(call: CloudCall, request: (permit: Permit) => Promise<Answer>): Promise<Answer> {
    if (call.kind !== 'sign-in' && this.governed.length >= this.#refusesAfter) {
      throw new DriverError('NoPermit', `${call.action}: no permit`, { retryAfterMs: 1_000 });
    }
    this.calls.push(call);
    return await request(new Permit(call));
  }
}
