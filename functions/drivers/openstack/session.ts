import * as z from 'zod';
import type { Credential } from '../../model/connection.ts';
import { DriverError } from '../contract/errors.ts';
import { type Token, tokenAnswerSchema, tokenOf } from './token.ts';
import type { Transport } from './transport.ts';

/**
 * Requests a token for one credential when a call first needs the token, and caches the token until shortly before it
 * expires.
 */
export class Session {
  readonly #transport: Transport;
  readonly #identityUrl: string;
  readonly #credential: Credential;
  readonly #onToken: (token: string) => void;
  #token: Token | undefined;
  #asked: Promise<Token> | undefined;

  /** @param onToken is called with each token before a request uses the token */
  constructor(
    transport: Transport,
    identityUrl: string,
    credential: Credential,
    onToken: (token: string) => void,
  ) {
    this.#transport = transport;
    this.#identityUrl = identityUrl;
    this.#credential = credential;
    this.#onToken = onToken;
  }

  /**
   * Returns a valid token. @throws DriverError Unauthorized if Keystone refuses the credential; never OutcomeUnknown
   */
  async token(deadlineMs: number): Promise<Token> {
    if (this.#token && this.#token.renewAtMs > this.#transport.clock.now()) return this.#token;
    // Concurrent callers share one request.
    this.#asked ??= this.#authenticate(deadlineMs).finally(() => {
      this.#asked = undefined;
    });
    this.#token = await this.#asked;
    return this.#token;
  }

  /** Gets a new token, even if the cached token is still valid. */
  async renew(deadlineMs: number): Promise<Token> {
    this.#token = undefined;
    return await this.token(deadlineMs);
  }

  /** Discards a token that the cloud refused. The next call requests another token. */
  drop(token: Token): void {
    if (this.#token === token) this.#token = undefined;
  }

  async #authenticate(deadlineMs: number): Promise<Token> {
    const nowMs = this.#transport.clock.now();
    try {
      const { body, headers } = await this.#transport.call({
        service: 'keystone',
        kind: 'sign-in',
        location: undefined,
        method: 'POST',
        baseUrl: this.#identityUrl,
        path: ['auth', 'tokens'],
        body: { auth: authOf(this.#credential) },
        answer: tokenAnswerSchema,
        effect: 'reads',
        deadlineMs,
      });
      const id = headers.get('x-subject-token');
      if (!id) throw new DriverError('Unavailable', 'keystone answered without a token');
      this.#onToken(id);
      return tokenOf(id, body, this.#identityUrl, nowMs);
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
      // Keystone answers 404 for an application credential that does not exist any more. Any other server answers 404
      // for an unknown path.
      const { message, cloudCode = '404' } = error;
      if (await this.#isKeystone(deadlineMs)) throw new DriverError('Unauthorized', message, { cloudCode });
      throw new DriverError('InvalidRequest', 'the endpoint does not serve Keystone v3: check its URL', {
        cause: error,
      });
    }
  }

  async #isKeystone(deadlineMs: number): Promise<boolean> {
    try {
      await this.#transport.call({
        service: 'keystone',
        kind: 'sign-in',
        location: undefined,
        method: 'GET',
        baseUrl: this.#identityUrl,
        path: [],
        answer: versionSchema,
        deadlineMs,
      });
      return true;
    } catch (error) {
      if (error instanceof DriverError && error.code === 'NotFound') return false;
      throw error;
    }
  }
}

const versionSchema = z.object({ version: z.object({ id: z.string().startsWith('v3') }) });

function authOf(credential: Credential): object {
  const { applicationCredentialId: id, applicationCredentialSecret: secret } = credential;
  if (id !== undefined) {
    return { identity: { methods: ['application_credential'], application_credential: { id, secret } } };
  }
  const { username, password, projectName, userDomainName = 'Default' } = credential;
  const user = { name: username, password, domain: { name: userDomainName } };
  const project = { name: projectName, domain: { name: credential['projectDomainName'] ?? userDomainName } };
  return { identity: { methods: ['password'], password: { user } }, scope: { project } };
}
