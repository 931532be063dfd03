import type { Credential, DriverName } from '../../functions/model/connection.ts';
import { SITES, type Site } from '../field/harness/sites.ts';

const SECRET_SIZE = 24;
/** Only what every field of every driver takes. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
/** What spellings differ in, as far as a field takes it. */
const SIGNS: Readonly<Record<DriverName, string>> = {
  sim: '"\\/+&%<',
  aws: '/+=',
  openstack: '"\\/ +&%<\'',
  'cb-spider': '"\\/ +&%<\'\n',
};

/** Draws secrets that are looked for. */
export class Canaries {
  /** Every one so far. */
  readonly all: string[] = [];
  readonly #driver: DriverName;
  readonly #random: () => number;

  /** @param random draws from [0, 1) */
  constructor(driver: DriverName, random: () => number) {
    this.#driver = driver;
    this.#random = random;
  }

  draw(): string {
    const letters = Array.from({ length: SECRET_SIZE }, () => this.#pick(LETTERS));
    // In its middle, so that each end is long enough to be told.
    const canary = [...letters.slice(0, 13), ...SIGNS[this.#driver], ...letters.slice(13)].join('');
    this.all.push(canary);
    return canary;
  }

  #pick(letters: string): string {
    return letters[Math.floor(this.#random() * letters.length)] ?? '';
  }
}

/** A driver's site with canaries in the place of all that is secret. */
export function siteWith(driver: DriverName, canaries: Canaries): Site {
  const site = SITES[driver];
  return { ...site, request: { ...site.request, credential: credentialOf(driver, canaries) } };
}

export function credentialOf(driver: DriverName, canaries: Canaries): Credential {
  const known = SITES[driver].request.credential;
  switch (driver) {
    case 'sim':
      return { ...known, apiKey: canaries.draw() };
    case 'aws':
      return { ...known, secretAccessKey: canaries.draw(), sessionToken: canaries.draw() };
    case 'openstack':
      return { ...known, applicationCredentialSecret: canaries.draw() };
    case 'cb-spider':
      // The server's own password is its double's; what goes to the cloud behind it is ours.
      return { ...known, ClientSecret: canaries.draw(), PrivateKey: canaries.draw() };
  }
}
