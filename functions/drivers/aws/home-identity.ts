import type { STSClient } from '@aws-sdk/client-sts';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { DriverError } from '../contract/errors.ts';
import { HomeVerdict } from '../contract/home-verdict.ts';
import { ask, type Surroundings } from './ask.ts';
import { scopeOfDenial } from './denials.ts';

/**
 * Tells whether AWS accepts the credential at all. A region that is not enabled for the account refuses each call with
 * the same code as a wrong credential. STS in the home region accepts the credential in the first case only.
 */
export class HomeIdentity {
  readonly #sts: STSClient;
  readonly #surroundings: Surroundings;
  readonly #home: HomeVerdict;

  constructor(sts: STSClient, surroundings: Surroundings) {
    this.#sts = sts;
    this.#surroundings = surroundings;
    this.#home = new HomeVerdict(surroundings.clock, () => this.account());
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
    if ((await this.#home.verdict()) === 'refused') return refusal;
    const { cloudCode, call, message, cause } = refusal;
    return new DriverError('Forbidden', message, {
      answered: true,
      cloudCode,
      cause,
      ...(call === undefined ? {} : { call }),
      scope: scopeOfDenial(cloudCode, message),
    });
  }
}
