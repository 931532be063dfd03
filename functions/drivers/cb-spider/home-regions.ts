import { DriverError } from '../contract/errors.ts';
import { HomeVerdict } from '../contract/home-verdict.ts';
import type { DriverClock } from '../contract/surroundings.ts';

/** EC2's words for a refused credential, and for a region that is not enabled. Tencent's codes go on after the word. */
const AMBIGUOUS = /\bAuthFailure\b(?!\.)/;

/**
 * Tells what a refusal of one location means. EC2 refuses each call to a region that is not enabled for the account with
 * the same words as a wrong credential. The list of regions comes from the home region, which accepts the credential in
 * the first case only.
 */
export class HomeRegions {
  readonly #home: HomeVerdict;

  /** @param listRegions lists the cloud's regions with the same credential */
  constructor(clock: DriverClock, listRegions: () => Promise<unknown>) {
    this.#home = new HomeVerdict(clock, listRegions);
  }

  /** Returns the error that the refusal means. If the home region does not answer, only the location denies the call. */
  async judge(refusal: DriverError): Promise<DriverError> {
    if (refusal.code !== 'Unauthorized' || !AMBIGUOUS.test(refusal.message)) return refusal;
    if ((await this.#home.verdict()) === 'refused') return refusal;
    const { cloudCode, call, message, cause } = refusal;
    return new DriverError('Forbidden', message, {
      answered: true,
      cause,
      ...(cloudCode === undefined ? {} : { cloudCode }),
      ...(call === undefined ? {} : { call }),
      scope: 'site',
    });
  }
}
