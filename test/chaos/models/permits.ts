import type { CallGate, CloudCall, Permit } from '../../../functions/drivers/contract/call-gate.ts';

/**
 * Matches requests at the clouds with permits. Each request needs a permit of its own, of the same kind and for the same
 * location.
 */
export class PermitCount {
  readonly #unused = new Map<Permit, CloudCall>();
  /** Requests without a matching permit, as text. */
  readonly ungoverned: string[] = [];
  requests = 0;

  /** Wraps a call gate and remembers the permits that it gives. */
  over(launching: CallGate): CallGate {
    return {
      send: (call, request) =>
        launching.send(call, (permit) => {
          this.#unused.set(permit, call);
          return request(permit).finally(() => this.#unused.delete(permit));
        }),
    };
  }

  /** Matches one request, by the simulated clouds' paths, with its permit. */
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
