import type * as z from 'zod';
import { imageSchema, instanceTypeSchema, locationSchema, offerSchema } from '../../model/cloud.ts';
import { MAX_ACCOUNT } from '../../model/connection.ts';
import { isPlainText } from '../../model/plain-text.ts';
import { MAX_QUOTA_NAME, quotaSchema } from '../../model/quota.ts';
import type { CloudClient } from './driver.ts';
import { DriverError } from './errors.ts';
import { guardError, MAX_MESSAGE } from './guard-error.ts';
import type { Secrets } from './secrets.ts';

const MAX_IDENTIFIER = 1_024;
/**
 * Smallest and largest absolute value of a number other than 0 that the guard accepts. Correct answers have no numbers
 * outside of these limits, and DynamoDB can store all numbers within the limits.
 */
const MIN_NUMBER = 1e-12;
const MAX_NUMBER = 1e15;

/**
 * Fields that people read, with the maximum length of each in characters. A longer text is cut. All other texts are
 * identifiers, which the guard never changes.
 */
const WORDS: ReadonlyMap<string, number> = new Map([
  ['accountName', 200],
  ['cloudStatus', 100],
  ['code', 100],
  ['description', 1_000],
  ['displayName', 200],
  ['failureMessage', MAX_MESSAGE],
  ['message', MAX_MESSAGE],
  ['scope', 200],
]);
/** Methods whose answers have names that only people read, with the maximum length of a name. */
const NAMES_TO_READ: ReadonlyMap<string, number> = new Map([
  ['listNetworkResources', 255],
  ['readQuotas', MAX_QUOTA_NAME],
]);
/** Maximum lengths of the identifiers for which records allow fewer characters than MAX_IDENTIFIER. */
const IDENTIFIERS: ReadonlyMap<string, number> = new Map([['account', MAX_ACCOUNT]]);

/**
 * Fields that may be absent. The guard drops such a field if its value is not usable. Even without the field, a caller
 * cannot confuse two machines or two accounts.
 */
const OPTIONAL: ReadonlySet<string> = new Set([
  'account',
  'createdAt',
  'createdAtMs',
  'failureQuota',
  'idempotencyKey',
  'instanceType',
  'ipv6',
  'privateIp',
  'publicIp',
  'usdPerMonth',
  'zone',
]);

/**
 * Methods that return lists of independent items. The guard leaves out an item that is not usable, or that does not
 * match its schema here. Such an item would make the whole stored list unreadable.
 */
const CATALOGUES: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  listLocations: { '': locationSchema },
  listOffers: { instanceTypes: instanceTypeSchema, offers: offerSchema },
  listOffersEverywhere: { instanceTypes: instanceTypeSchema, offers: offerSchema },
  listImages: { '': imageSchema },
  readQuotas: { '': quotaSchema },
};
const READS = /^(list|get|find|read|verify)/;

/** Thrown for an answer with a value that must not get into a record. */
class Unusable extends Error {}

/**
 * Wraps a client to protect callers from an untrusted cloud. The guard shortens errors and the texts that people read,
 * converts these to plain text, and removes the connection's secrets. It drops unusable optional fields and unusable
 * items of a catalogue. If a required value is unusable, the guard refuses the whole answer, because a record must
 * never contain a false identifier.
 */
export function guardClient<Client extends CloudClient>(client: Client, secrets: Secrets): Client {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args);
        if (!(answer instanceof Promise)) return answer;
        const guard = new AnswerGuard(secrets, String(name), wordsIn(args[0]));
        return answer.then(
          (answered: unknown) => guard.answer(answered),
          (error: unknown) => {
            throw guard.error(error);
          },
        );
      };
    },
  });
}

class AnswerGuard {
  readonly #secrets: Secrets;
  readonly #method: string;
  readonly #ofCall: readonly string[];

  constructor(secrets: Secrets, method: string, ofCall: readonly string[]) {
    this.#secrets = secrets;
    this.#method = method;
    this.#ofCall = ofCall;
  }

  error(error: unknown): unknown {
    return guardError(error, this.#secrets, this.#ofCall);
  }

  /** Checks an answer. @throws DriverError if the answer has an unusable value that is required */
  answer(answered: unknown): unknown {
    try {
      return this.#value(answered, '');
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  #refusal(error: unknown): unknown {
    if (!(error instanceof Unusable)) return error;
    return new DriverError(
      READS.test(this.#method) ? 'Unavailable' : 'OutcomeUnknown',
      `${this.#method}: the cloud's answer cannot be used: ${error.message}`,
    );
  }

  /**
   * Checks one outcome of a batch. If the outcome is not usable, returns an error in its place. The other outcomes are
   * kept, because they tell which instances the cloud has made.
   */
  #outcome(outcome: unknown, field: string): unknown {
    try {
      return this.#value(outcome, field);
    } catch (error) {
      return { error: this.#refusal(error) };
    }
  }

  #value(value: unknown, field: string): unknown {
    if (typeof value === 'string') return this.#text(value, field);
    if (typeof value === 'number') return usableNumber(value, field);
    if (Array.isArray(value)) return this.#items(value, field);
    if (value instanceof DriverError) return this.error(value);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).flatMap(([name, member]) => this.#field(name, member)));
  }

  #field(name: string, member: unknown): [string, unknown][] {
    try {
      return [[name, this.#value(member, name)]];
    } catch (error) {
      const isNeeded = !OPTIONAL.has(name) || this.#method in CATALOGUES || this.#method === 'ensureNetwork';
      if (!(error instanceof Unusable) || isNeeded) throw error;
      return [];
    }
  }

  /**
   * Returns the maximum length of a field that people read; undefined for an identifier. In a list of network
   * resources, the name is such a field, because callers identify a resource by its id. So is the name of a quota.
   */
  #mostWords(field: string): number | undefined {
    return field === 'name' ? NAMES_TO_READ.get(this.#method) : WORDS.get(field);
  }

  #items(items: readonly unknown[], field: string): unknown[] {
    if (this.#method === 'createInstances') return items.map((item) => this.#outcome(item, field));
    const catalogue = CATALOGUES[this.#method];
    if (!catalogue) return items.map((item) => this.#value(item, field));
    return items.flatMap((item) => {
      try {
        const usable = this.#value(item, field);
        return catalogue[field]?.safeParse(usable).success === false ? [] : [usable];
      } catch (error) {
        // If the value is a zone or an architecture, it is only a part of an item. The error is thrown again, so that
        // the whole item is left out.
        if (!(error instanceof Unusable) || !isRecord(item)) throw error;
        return [];
      }
    });
  }

  #text(text: string, field: string): string {
    const most = this.#mostWords(field);
    if (most !== undefined) return this.#secrets.redact(text, most, this.#ofCall);
    if (text === '' && field === 'account') throw new Unusable('account is empty');
    if (text.length > (IDENTIFIERS.get(field) ?? MAX_IDENTIFIER))
      throw new Unusable(`${field} has ${text.length} characters`);
    if (!isPlainText(text)) throw new Unusable(`${field} has characters that cannot be printed`);
    if (this.#secrets.isIn(text)) throw new Unusable(`${field} contains a secret of the credential`);
    return text;
  }
}

function usableNumber(value: number, field: string): number {
  const size = Math.abs(value);
  if (value === 0 || (size >= MIN_NUMBER && size <= MAX_NUMBER)) return value;
  throw new Unusable(`${field} is out of bounds`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Error);
}

/** Returns the user data and public keys in a call's specs. A cloud may repeat these texts in an error. */
function wordsIn(argument: unknown): string[] {
  const specs: unknown[] = Array.isArray(argument) ? argument : [argument];
  const words = specs.flatMap((spec) =>
    isRecord(spec) ? [spec['userData'], spec['userDataBase64'], spec['publicKey']] : [],
  );
  return [...new Set(words.filter((word) => typeof word === 'string'))];
}
