import type { ProxiedRequest, ProxiedResponse } from './exchange.ts';

/** How a cloud's requests carry an idempotency token. */
export interface TokenDialect {
  tokenOf(request: ProxiedRequest): string | undefined;
  /** The request as of a client that knows of no tokens. */
  withoutToken(request: ProxiedRequest): ProxiedRequest;
}

/**
 * `pass`: what the server does about tokens. `add`: one token has one answer, which is what a server without
 * idempotency lacks. `remove`: the server sees no token.
 */
export type IdempotencyMode = 'pass' | 'add' | 'remove';

/** The answers to requests with a token. Requests with one token at once share one answer; a refusal is not kept. */
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
