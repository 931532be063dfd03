import type { CallGate, CloudCall, Permit } from '../../../functions/drivers/contract/call-gate.ts';

/**
 * Matches the requests that clouds receive with permits. Each request needs its own permit, for the same kind
 * of call and the same location.
 */
export class PermitCount {
  readonly #unused = new Map<Permit, CloudCall>();
  /** Texts of the requests that had no matching permit. */
  readonly ungoverned: string[] = [];
  requests = 0;

  /** Wraps a call gate, and notes each permit until a request uses that permit. */
  over(launching: CallGate): CallGate {
    return {
      send: (call, request) =>
        launching.send(call, (permit) => {
          this.#unused.set(permit, call);
          return request(permit).finally(() => this.#unused.delete(permit));
        }),
    };
  }

  /** Checks one request against its permit. Method and path show the kind of call and the location. */
  note({ method, url }: Request, permit: Permit): void {
    this.requests += 1;
    const call = this.#unused.get(permit);
    this.#unused.delete(permit);
    const { pathname } = new URL(url);
    const [, , , first, location, kind, id] = pathname.split('/');
    const isCreate = method === 'POST' && kind === 'instances' && (id === undefined || id === 'batch');
    const wanted = isCreate ? 'create' : method === 'GET' ? 'list' : 'mutate';
    const site = first === 'locations' ? location : undefined;
    if (call?.kind === wanted && call.location === site) return;
    this.ungoverned.push(
      `${method} ${pathname} was sent with ${call ? `a permit to ${call.action}` : 'no permit'}`,
    );
  }
}
