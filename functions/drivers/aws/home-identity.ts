import type { STSClient } from '@aws-sdk/client-sts';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { DriverError } from '../contract/errors.ts';
import { ask, type Surroundings } from './ask.ts';
import { scopeOfDenial } from './denials.ts';

/** Time for which the answer of the home region is used for further refusals, in ms. */
const KEPT_MS = 60_000;
/** As `KEPT_MS`, if the home region refused the credential, or did not answer. */
const REFUSED_KEPT_MS = 5_000;

type Verdict = 'accepted' | 'refused' | 'unknown';

/**
 * Tells whether AWS accepts the credential at all. A region that is not enabled for the account refuses each call with
 * the same code as a wrong credential. STS in the home region accepts the credential in the first case only.
 */
export class HomeIdentity {
  readonly #sts: STSClient;
  readonly #surroundings: Surroundings;
  #kept: { untilMs: number; verdict: Promise<Verdict> } | undefined;

  constructor(sts: STSClient, surroundings: Surroundings) {
    this.#sts = sts;
    this.#surroundings = surroundings;
  }

  /** Returns the id of the credential's account. @throws DriverError Unauthorized if STS refuses the credential */
  async account(): Promise<string | undefined> {
    // The gate asks the governor for no permit for a sign-in.
    const call = { action: 'sts:GetCallerIdentity', kind: 'sign-in', location: undefined } as const;
    const { Account } = await ask(this.#surroundings, call, (options) =>
      this.#sts.send(new GetCallerIdentityCommand({}), options),
    );
    return Account;
  }

  /**
   * Returns the error that a refusal of one region means. If the home region accepts the credential, only the region
   * denies the call. If the home region does not answer, the refusal says nothing about the credential.
   */
  async judge(refusal: DriverError): Promise<DriverError> {
    if (refusal.code !== 'Unauthorized' || refusal.cloudCode !== 'AuthFailure') return refusal;
    if ((await this.#verdict()) === 'refused') return refusal;
    const { cloudCode, call, message, cause } = refusal;
    return new DriverError('Forbidden', message, {
      answered: true,
      cloudCode,
      cause,
      ...(call === undefined ? {} : { call }),
      scope: scopeOfDenial(cloudCode, message),
    });
  }

  /** Concurrent refusals share one call. */
  async #verdict(): Promise<Verdict> {
    const { clock } = this.#surroundings;
    if (this.#kept && this.#kept.untilMs > clock.now()) return await this.#kept.verdict;
    const entry = { untilMs: clock.now() + KEPT_MS, verdict: this.#ask() };
    this.#kept = entry;
    const verdict = await entry.verdict;
    if (verdict !== 'accepted') entry.untilMs = clock.now() + REFUSED_KEPT_MS;
    return verdict;
  }

  async #ask(): Promise<Verdict> {
    try {
      await this.account();
      return 'accepted';
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      return error.code === 'Unauthorized' ? 'refused' : 'unknown';
    }
  }
}
