import type { CallGate, CloudCall, Permit } from '../../../functions/drivers/contract/call-gate.ts';

/**
 * Counts requests at the clouds against permits: each one is sent by a permit of its own, of its kind and for its
 * location.
 */
export class PermitCount {
  readonly #unused = new Map<Permit, CloudCall>();
  /** Requests that had none, as they were. */
  readonly ungoverned: string[] = [];
  requests = 0;

  /** A gate that keeps what the gate behind it permits. */
  over(launching: CallGate): CallGate {
    return {
      send: (call, request) =>
        launching.send(call, (permit) => {
          this.#unused.set(permit, call);
          return request(permit).finally(() => this.#unused.delete(permit));
        }),
    };
  }

  /** Is told of each request. Paths are as the simulated clouds have them. */
  note({ method, url }: Request, permit: Permit): void {
    this.requests += 1;
    const call = this.#unused.get(permit);
    this.#unused.delete(permit);
    const { pathname } = new URL(url);
    const [, , , first, location, kind, id] = pathname.split('/');
    const isCreate = method === 'POST' && kind === 'instances' && id === undefined;
    const wanted = isCreate ? 'create' : method === 'GET' ? 'list' : 'mutate';
    const site = first === 'locations' ? location : undefined;
    if (call?.kind === wanted && call.location === site) return;
    this.ungoverned.push(`${method} ${pathname}, by ${call ? `a permit to ${call.action}` : 'no permit'}`);
  }
}
