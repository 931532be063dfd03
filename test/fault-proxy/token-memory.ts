import type { ProxiedRequest, ProxiedResponse } from './exchange.ts';

/** Reads and removes the idempotency token of a cloud's requests. */
export interface TokenDialect {
  tokenOf(request: ProxiedRequest): string | undefined;
  /** Returns the request without its token. */
  withoutToken(request: ProxiedRequest): ProxiedRequest;
}

/**
 * How the proxy treats the idempotency tokens of requests.
 *
 * - `pass`: the proxy passes tokens on.
 * - `add`: the proxy adds the idempotency that the server lacks. The proxy passes on the first request with a
 *   token, and repeats the answer for later requests with that token.
 * - `remove`: the proxy removes the token from each request.
 */
export type IdempotencyMode = 'pass' | 'add' | 'remove';

/**
 * Keeps the answer for each token. Concurrent requests with one token get the same answer. A refusal (status
 * 400 or above) is not kept, so a later request with that token is passed on.
 */
export class TokenMemory {
  readonly #answers = new Map<string, Promise<ProxiedResponse>>();

  answer(token: string, ask: () => Promise<ProxiedResponse>): Promise<ProxiedResponse> {
    const known = this.#answers.get(token);
    if (known) return known;
    const asked = ask();
    this.#answers.set(token, asked);
    const forget = () => this.#answers.delete(token);
    asked.then(({ status }) => status < 400 || forget(), forget);
    return asked;
  }

  clear(): void {
    this.#answers.clear();
  }
}
