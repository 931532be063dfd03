import { cutText, plainText } from '../../model/plain-text.ts';
import { type Part, replaceParts, SpellingFinder } from './find-spellings.ts';

const MARK = '***';
/** Maximum number of characters of a text that are read. The rest of a longer text is dropped. */
const MAX_READ = 16_384;
/** Minimum length of a secret that is redacted. A shorter value would match in any text. */
const SHORTEST = 4;
/**
 * Maximum number of obtained secrets, such as tokens, that are redacted for one credential. If there are more, the
 * oldest are dropped.
 */
const MAX_OBTAINED = 16;
const MAX_KNOWN_CLEAN = 50_000;
/**
 * Maximum depth of nested encodings that are decoded. The depth is smaller for identifiers to save time, because each
 * list contains many identifiers.
 */
const LAYERS = { words: 3, identifiers: 1 };
/**
 * Matches times, instance ids and launch tokens. These are never secrets, and are not searched for secrets. Most
 * identifiers match.
 */
const HARMLESS = /^(\d{4}-\d\d-\d\dT[\d:.]{8,}Z|f[0-9a-z]{16}-[0-9]{5}(\.[0-9]+)?)$/;

/**
 * Returns how many consecutive characters of a secret count as a match in a message: 60 % of its length, at least 4 and
 * at most 8.
 */
const inWords = (length: number): number | undefined =>
  length < SHORTEST ? undefined : Math.min(8, Math.max(SHORTEST, Math.ceil(length * 0.6)));
/**
 * Returns how many consecutive characters of a secret count as a match in an identifier: the whole secret, or 16
 * characters of a longer secret. Undefined for a secret shorter than 8 characters, because `ubuntu` may be both an
 * image and a weak password.
 */
const inIdentifiers = (length: number): number | undefined => (length < 8 ? undefined : Math.min(16, length));
/**
 * Returns how many consecutive characters of user data or of a public key count as a match in a message: the whole
 * text, or 16 characters of a longer text. A shorter match may be an ordinary word of the cloud.
 */
const inWordsOfCall = (length: number): number | undefined =>
  length < SHORTEST ? undefined : Math.min(16, length);

/** Patterns that match secrets of any credential by their form. */
const TELLING: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs,
  /(?<=\b(?:proxy-)?authorization["'\\]{0,8}\s{0,8}[:=]\s{0,8}["'\\]{0,8})[^\s"'\\,;][^"'\\,;\n]*/gi,
  /(?<=\bx-(?:auth|subject|amz-security)-token["'\\]{0,8}\s{0,8}[:=]\s{0,8}["'\\]{0,8})[^\s"'\\,;&]+/gi,
  /(?<=\b(?:x-amz-)?signature=)[0-9a-f]{64}/gi,
];

/**
 * Redacts the secrets of one connection from a cloud's messages, in every form (spelling) in which a cloud may repeat a
 * secret. The secrets are the values of the credential, and the tokens and keys that the driver has obtained with it.
 */
export class Secrets {
  readonly #given: readonly string[];
  readonly #obtained = new Set<string>();
  readonly #knownClean = new Set<string>();
  #words: SpellingFinder | undefined;
  #identifiers: SpellingFinder | undefined;

  constructor(given: readonly string[]) {
    this.#given = given.filter(({ length }) => length >= SHORTEST);
  }

  /** Adds secrets that the cloud issued for the credential: a token, the keys of a session. */
  add(...obtained: readonly string[]): void {
    for (const value of obtained) {
      if (value.length < SHORTEST) continue;
      // The newest secret is moved to the end, because secrets are dropped from the beginning.
      this.#obtained.delete(value);
      this.#obtained.add(value);
    }
    for (const value of [...this.#obtained].slice(0, -MAX_OBTAINED)) this.#obtained.delete(value);
    this.#words = undefined;
    this.#identifiers = undefined;
    this.#knownClean.clear();
  }

  /**
   * Returns a cloud's message as one plain line without any secret.
   *
   * @param maxLength in UTF-16 code units; a longer result is cut
   * @param ofCall user data and public keys of the call that the message answers; these are redacted, too
   */
  redact(text: string, maxLength: number, ofCall: readonly string[] = []): string {
    const line = plainText(text, MAX_READ);
    this.#words ??= new SpellingFinder(this.#all().map(withoutArmour), inWords, LAYERS.words);
    const parts = [
      ...tellingParts(line),
      ...exactParts(line, this.#all()),
      ...this.#words.find(line),
      ...(ofCall.length > 0 ? new SpellingFinder(ofCall, inWordsOfCall, LAYERS.words).find(line) : []),
    ];
    return cutText(parts.length === 0 ? line : replaceParts(line, parts, MARK), maxLength);
  }

  /** Returns true if the identifier contains a secret, in any spelling. */
  isIn(identifier: string): boolean {
    this.#identifiers ??= new SpellingFinder(
      this.#all().map(withoutArmour),
      inIdentifiers,
      LAYERS.identifiers,
    );
    if (identifier.length < this.#identifiers.shortest || HARMLESS.test(identifier)) return false;
    if (this.#knownClean.has(identifier)) return false;
    if (this.#identifiers.find(identifier).length > 0) return true;
    // Identifiers without a secret are cached, because each list repeats most identifiers of the previous list.
    if (this.#knownClean.size >= MAX_KNOWN_CLEAN) this.#knownClean.clear();
    this.#knownClean.add(identifier);
    return false;
  }

  #all(): string[] {
    return [...this.#given, ...this.#obtained];
  }
}

/**
 * Removes the lines BEGIN and END of a PEM key. Their words `PRIVATE KEY` are no secret, and many error messages
 * contain them.
 */
function withoutArmour(secret: string): string {
  return secret.replaceAll(/-----(?:BEGIN|END) [A-Z ]+-----/g, '');
}

function tellingParts(text: string): Part[] {
  return TELLING.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ index, 0: match }): Part => [index, index + match.length]),
  );
}

/**
 * Finds the exact common spellings of whole secrets. Unlike `SpellingFinder`, also finds secrets that consist of
 * characters that the finder ignores, for example of quotes.
 */
function exactParts(text: string, secrets: readonly string[]): Part[] {
  return secrets.flatMap(spellingsOf).flatMap((spelling) => {
    const parts: Part[] = [];
    for (let at = text.indexOf(spelling); at >= 0; at = text.indexOf(spelling, at + spelling.length)) {
      parts.push([at, at + spelling.length]);
    }
    return parts;
  });
}

function spellingsOf(value: string): string[] {
  const secret = value.toWellFormed();
  const bytes = Buffer.from(secret, 'utf8');
  const inUrl = encodeURIComponent(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    inUrl,
    encodeURIComponent(inUrl),
    secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
}
