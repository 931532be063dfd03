import type { ProxiedRequest, ProxiedResponse } from './exchange.ts';

/** How a cloud's requests carry an idempotency token. */
export interface TokenDialect {
  tokenOf(request: ProxiedRequest): string | undefined;
  /** Returns the request without its token. */
  withoutToken(request: ProxiedRequest): ProxiedRequest;
}

/**
 * `pass`: the server handles tokens itself. `add`: the proxy gives one answer for each token, for a server
 * without idempotency. `remove`: the server sees no token.
 */
export type IdempotencyMode = 'pass' | 'add' | 'remove';

/** Keeps the answer for each token, also for concurrent requests. A refusal is not kept. */
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
