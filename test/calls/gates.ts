import { type CallGate, type CloudCall, Permit } from '../../functions/drivers/contract/call-gate.ts';
import { DriverError } from '../../functions/drivers/contract/errors.ts';

/** Lets every request through: for tests that are about a driver, and not about who governs it. */
export const openGate: CallGate = { send: (call, request) => request(new Permit(call)) };

/** Lets requests through and keeps what each was, or refuses some. */
export class CountingGate implements CallGate {
  /** Requests that were let through, in their order. */
  readonly calls: CloudCall[] = [];
  #refusesAfter = Number.POSITIVE_INFINITY;

  /** Lets so many further requests through that need a permit, and refuses the next ones. */
  refuseAfter(count: number): void {
    this.#refusesAfter = this.governed.length + count;
  }

  /** How many further requests it lets through. */
  get left(): number {
    return Math.max(0, this.#refusesAfter - this.governed.length);
  }

  /** Refuses none from now on. */
  open(): void {
    this.#refusesAfter = Number.POSITIVE_INFINITY;
  }

  /** All but sign-ins, which need no permit. */
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
