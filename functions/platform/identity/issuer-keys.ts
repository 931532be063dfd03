import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import * as z from 'zod';
import type { SendRequest } from '../../drivers/contract/outgoing-requests.ts';
import { readBody } from '../../drivers/contract/read-body.ts';
import type { Clock } from '../runtime/clock.ts';

/** The issuer could not be asked for its keys, and no earlier answer of it is young enough. */
export class IssuerUnreachable extends Error {
  override readonly name = 'IssuerUnreachable';
}

const TIMEOUT_MS = 5_000;
/** Maximum length of an answer of the issuer. */
const MAX_BYTES = 256 * 1_024;
/** Keys are read again after this time. A key that the issuer removes is refused from then on. */
const FRESH_MS = 10 * 60_000;
/** A token with an unknown key makes the keys be read again, at most this often. */
const COOLDOWN_MS = 30_000;
/** After a failure, the issuer is not asked for this time. */
const RETRY_MS = 10_000;
/** While the issuer cannot be reached, keys that were read within this time are used. */
const STALE_MS = 24 * 3_600_000;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

/**
 * Returns the function that finds the key of a token among the keys of an issuer (OpenID Connect Discovery 1.0). One process
 * reads the discovery document once, and caches the keys.
 *
 * @param send sends requests over connections whose addresses are checked
 */
export function keysOfIssuer(issuer: string, send: SendRequest, clock: Clock): JWTVerifyGetKey {
  const source = new KeySource(issuer, send, clock);
  let keys: Promise<JWTVerifyGetKey> | undefined;
  return async (header, token) => {
    keys ??= source.open().catch((error: unknown) => {
      keys = undefined;
      throw error;
    });
    try {
      return await (await keys)(header, token);
    } catch (error) {
      // The issuer may have another key by now.
      if (error instanceof errors.JWKSNoMatchingKey && source.isFailing) throw unreachable(issuer, error);
      throw error;
    }
  };
}

class KeySource {
  readonly #issuer: string;
  readonly #send: SendRequest;
  readonly #clock: Clock;
  #last: { text: string; atMs: number } | undefined;
  #failedAtMs: number | undefined;

  constructor(issuer: string, send: SendRequest, clock: Clock) {
    this.#issuer = issuer;
    this.#send = send;
    this.#clock = clock;
  }

  /** True if the last request to the issuer failed. */
  get isFailing(): boolean {
    return this.#failedAtMs !== undefined;
  }

  async open(): Promise<JWTVerifyGetKey> {
    const base = this.#issuer.replace(/\/$/, '');
    const text = await this.#ask(`${base}/.well-known/openid-configuration`);
    const { issuer, jwks_uri: address } = await this.#parse(text);
    if (issuer !== this.#issuer)
      throw unreachable(this.#issuer, `its discovery document names another issuer`);
    if (base.startsWith('https:') && !address.startsWith('https:'))
      throw unreachable(this.#issuer, 'the address of its keys is not https');
    return createRemoteJWKSet(new URL(address), {
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: FRESH_MS,
      [customFetch]: async (url) => new Response(await this.#keys(url)),
    });
  }

  /** Returns the issuer's keys, or the last ones that it answered if it cannot be reached. */
  async #keys(url: string): Promise<string> {
    try {
      const text = await this.#ask(url);
      this.#last = { text, atMs: this.#clock.now() };
      return text;
    } catch (error) {
      if (this.#last && this.#clock.now() - this.#last.atMs < STALE_MS) return this.#last.text;
      throw error;
    }
  }

  async #ask(url: string): Promise<string> {
    const nowMs = this.#clock.now();
    if (this.#failedAtMs !== undefined && nowMs - this.#failedAtMs < RETRY_MS)
      throw unreachable(this.#issuer, 'it did not answer some seconds ago');
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await this.#send(new Request(url, { redirect: 'manual' }), signal);
      const text = await readBody(response, MAX_BYTES);
      if (response.status !== 200) throw new Error(`it answered ${response.status}`);
      this.#failedAtMs = undefined;
      return text;
    } catch (error) {
      this.#failedAtMs = nowMs;
      throw unreachable(this.#issuer, error);
    }
  }

  async #parse(text: string): Promise<z.output<typeof discoverySchema>> {
    try {
      return discoverySchema.parse(JSON.parse(text));
    } catch (error) {
      throw unreachable(this.#issuer, new Error('its discovery document cannot be read', { cause: error }));
    }
  }
}

function unreachable(issuer: string, why: unknown): IssuerUnreachable {
  const text = why instanceof Error ? why.message : String(why);
  return new IssuerUnreachable(`the keys of the issuer ${issuer} cannot be read: ${text}`, { cause: why });
}
