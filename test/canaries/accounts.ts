import type { Credential, DriverName } from '../../functions/model/connection.ts';
import { SITES, type Site } from '../field/harness/sites.ts';

const SECRET_SIZE = 24;
/** Characters that every field of every driver accepts. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
/**
 * Special characters that the credential fields of each driver accept. Many spellings (ways of writing a
 * secret) escape or encode these characters.
 */
const SIGNS: Readonly<Record<DriverName, string>> = {
  sim: '"\\/+&%<',
  aws: '/+=',
  openstack: '"\\/ +&%<\'',
  'cb-spider': '"\\/ +&%<\'\n',
};

/**
 * Makes canaries. A canary is a random secret. The test searches all texts that the control plane writes for
 * canaries.
 */
export class Canaries {
  /** All canaries drawn so far. */
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
    // The special characters are in the middle, so that each end of the canary is a run of at least 11
    // letters.
    const canary = [...letters.slice(0, 13), ...SIGNS[this.#driver], ...letters.slice(13)].join('');
    this.all.push(canary);
    return canary;
  }

  #pick(letters: string): string {
    return letters[Math.floor(this.#random() * letters.length)] ?? '';
  }
}

/**
 * Returns the driver's test site (a connection and its location). Canaries replace the secrets in the
 * credential.
 */
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
      // The password of the CB-Spider server is not replaced, because the test's server expects it. The
      // secrets of the cloud behind that server are canaries.
      return { ...known, ClientSecret: canaries.draw(), PrivateKey: canaries.draw() };
  }
}
