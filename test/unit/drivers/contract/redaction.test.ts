import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, decodeEscapes } from '../../../../functions/drivers/contract/decode-spellings.ts';
import { Secrets } from '../../../../functions/drivers/contract/secrets.ts';
import { SPELLINGS } from '../../../canaries/spellings.ts';

const SECRETS = {
  key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  quoted: 'pa"ss\\w/o\'rd & <more> +%2F',
  short: 'hunter2!',
  korean: '비밀번호-열쇠-2026',
  lines:
    '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----\n',
};
/**
 * Each secret in each spelling. A spelling is a way in which a cloud may write the secret, for instance in
 * base64.
 */
const cases = Object.entries(SECRETS).flatMap(([kind, secret]) =>
  SPELLINGS.map(({ name, spell }) => ({ kind, secret, name, spell })),
);
const WORDS_BEFORE = 'the request was not understood: ';
const WORDS_AFTER = ', ask again';

test.each(cases)(
  'redaction removes a secret ($kind) in the spelling $name from a text',
  ({ secret, spell }) => {
    const redacted = new Secrets([secret]).redact(`${WORDS_BEFORE}${spell(secret)}${WORDS_AFTER}`, 1_000);
    expect(redacted).toContain('***');
    // The first and last line are the same in every private key, so they reveal nothing about this key.
    const own = secret.replaceAll(/-----[A-Z ]+-----/g, '');
    expect(longestStretch(redacted, own)).toBeLessThan(Math.min(8, Math.ceil(secret.length * 0.6)));
  },
);

test.each(['raw', 'json', 'url', 'base64', 'mixed', 'hex'])(
  'redaction keeps the words around a secret in the spelling %s',
  (name) => {
    const spell = SPELLINGS.find((one) => one.name === name)?.spell ?? String;
    const redacted = new Secrets([SECRETS.key]).redact(
      `${WORDS_BEFORE}"${spell(SECRETS.key)}"${WORDS_AFTER}`,
      1_000,
    );
    expect(redacted).toMatch(/^the request was not understood: "?\*\*\*(?:=*"?), ask again$/);
  },
);

test('redaction removes a secret that is encoded twice, in any two spellings', () => {
  const spelling = fc.constantFrom(
    ...SPELLINGS.filter(({ name }) => !/^(capitals|in-lines|base64-twice)/.test(name)),
  );
  const secret = fc.string({ minLength: 12, maxLength: 60, unit: 'grapheme-ascii' });
  fc.assert(
    fc.property(secret, spelling, spelling, (value, inner, outer) => {
      // Skips secrets with fewer than eight characters that cannot be part of an escape.
      fc.pre(value.replaceAll(/[^A-Za-z0-9]|%u?[0-9a-f]{2,4}|\\./gi, '').length >= 8);
      const text = outer.spell(inner.spell(value));
      expect(new Secrets([value]).redact(`${WORDS_BEFORE}${text}`, 2_000)).not.toContain(text);
    }),
    { numRuns: 500 },
  );
});

test('redaction removes a secret that looks like an escape, if a cloud writes characters into the escape', () => {
  const text = Buffer.from([...'000 0\\r A A 0'].join('\u200b')).toString('hex');
  expect(new Secrets(['000 0\\r A A 0']).redact(`${WORDS_BEFORE}${text}`, 2_000)).toBe(`${WORDS_BEFORE}***`);
});

test('if a text contains only the beginning or the end of a secret, redaction removes that part', () => {
  const secrets = new Secrets([SECRETS.key]);
  for (const length of [8, 12, 20, 39]) {
    expect(secrets.redact(`bad key ${SECRETS.key.slice(0, length)}`, 1_000)).toBe('bad key ***');
    expect(secrets.redact(`bad key ${SECRETS.key.slice(-length)}`, 1_000)).toBe('bad key ***');
  }
  const long = `${'x'.repeat(985)} ${SECRETS.key} ${'y'.repeat(100_000)}`;
  const cut = secrets.redact(long, 1_000);
  expect(cut).toHaveLength(1_000);
  expect(cut).not.toContain(SECRETS.key.slice(0, 4));
});

test('if a text contains no secret, redaction changes only its control characters and its length', () => {
  const secrets = new Secrets([SECRETS.key, SECRETS.short]);
  const words =
    'Invalid value for flavor: m1.tiny (request req-0f3a), see https://cloud.example/docs?a=1%202';
  expect(secrets.redact(words, 1_000)).toBe(words);
  expect(secrets.redact('red \u001b[31mtext\u0007\u202e\r\nnext \ud800line', 1_000)).toBe(
    'red  [31mtext  next \ufffdline',
  );
  expect(new Secrets([]).redact('a '.repeat(600), 1_000)).toHaveLength(1_000);
  const ofKey = 'the private key cannot be parsed';
  expect(new Secrets([SECRETS.lines]).redact(ofKey, 1_000)).toBe(ofKey);
});

test('redaction removes private keys, authorization headers and signatures of any credential', () => {
  const secrets = new Secrets([]);
  expect(secrets.redact(`key ${SECRETS.lines} end`, 1_000)).toBe('key ***  end');
  expect(secrets.redact('{"Authorization":"Bearer abc.def.ghi","x":1}', 1_000)).toBe(
    '{"Authorization":"***","x":1}',
  );
  expect(secrets.redact('X-Auth-Token: gAAAAABl no', 1_000)).toBe('X-Auth-Token: *** no');
  expect(secrets.redact(`?X-Amz-Signature=${'ab'.repeat(32)}&x`, 1_000)).toBe('?X-Amz-Signature=***&x');
});

test('redaction removes a session token as soon as it has been added to the secrets', () => {
  const secrets = new Secrets([]);
  const token = 'gAAAAABlyTokenOfKeystone-0123456789';
  expect(secrets.redact(`token ${token}`, 1_000)).toContain(token);
  secrets.add(token);
  expect(secrets.redact(`token ${token}`, 1_000)).toBe('token ***');
});

describe('isIn', () => {
  const secrets = new Secrets([SECRETS.key, 'ubuntu']);

  test('isIn detects a secret in an identifier, even if the secret is encoded in base64', () => {
    expect(secrets.isIn(`i-${SECRETS.key}`)).toBe(true);
    expect(secrets.isIn(Buffer.from(SECRETS.key).toString('base64'))).toBe(true);
  });

  test('isIn does not report an identifier that contains a password of fewer than eight characters', () => {
    expect(secrets.isIn('ubuntu-24.04-server-amd64')).toBe(false);
    expect(secrets.isIn('i-0123456789abcdef0')).toBe(false);
  });
});

test('decodeEscapes decodes nested escapes completely, and returns the position of each decoded byte in the original text', () => {
  const { bytes, starts, ends } = decodeEscapes(bytesOf('a%2525&amp;quot;\\\\u0022b'), 'all');
  expect(bytes).toBe('a%""b');
  expect([starts[1], ends[1]]).toEqual([1, 6]);
});

/** Returns the length of the longest part of `secret` that `text` contains, ignoring case. */
function longestStretch(text: string, secret: string): number {
  const [inText, inSecret] = [text.toLowerCase(), secret.toLowerCase()];
  for (let length = inSecret.length; length > 0; length -= 1) {
    for (let at = 0; at + length <= inSecret.length; at += 1) {
      if (inText.includes(inSecret.slice(at, at + length))) return length;
    }
  }
  return 0;
}
