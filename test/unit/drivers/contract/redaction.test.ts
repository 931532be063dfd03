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
const cases = Object.entries(SECRETS).flatMap(([kind, secret]) =>
  SPELLINGS.map(({ name, spell }) => ({ kind, secret, name, spell })),
);
const WORDS_BEFORE = 'the request was not understood: ';
const WORDS_AFTER = ', ask again';

test.each(cases)('a secret ($kind) spelled as $name is taken out of a text', ({ secret, spell }) => {
  const redacted = new Secrets([secret]).redact(`${WORDS_BEFORE}${spell(secret)}${WORDS_AFTER}`, 1_000);
  expect(redacted).toContain('***');
  // What every key begins and ends with tells nothing of this one.
  const own = secret.replaceAll(/-----[A-Z ]+-----/g, '');
  expect(longestStretch(redacted, own)).toBeLessThan(Math.min(8, Math.ceil(secret.length * 0.6)));
});

test.each(['raw', 'json', 'url', 'base64', 'mixed', 'hex'])(
  'words around a secret that is spelled as %s stay as they are',
  (name) => {
    const spell = SPELLINGS.find((one) => one.name === name)?.spell ?? String;
    const redacted = new Secrets([SECRETS.key]).redact(
      `${WORDS_BEFORE}"${spell(SECRETS.key)}"${WORDS_AFTER}`,
      1_000,
    );
    expect(redacted).toMatch(/^the request was not understood: "?\*\*\*(?:=*"?), ask again$/);
  },
);

test('a secret in any two spellings, one inside the other, is taken out', () => {
  const spelling = fc.constantFrom(
    ...SPELLINGS.filter(({ name }) => !/^(capitals|in-lines|base64-twice)/.test(name)),
  );
  const secret = fc.string({ minLength: 12, maxLength: 60, unit: 'grapheme-ascii' });
  fc.assert(
    fc.property(secret, spelling, spelling, (value, inner, outer) => {
      // Long enough with all of its escapes decoded.
      fc.pre(value.replaceAll(/[^A-Za-z0-9]|%u?[0-9a-f]{2,4}|\\./gi, '').length >= 8);
      const text = outer.spell(inner.spell(value));
      expect(new Secrets([value]).redact(`${WORDS_BEFORE}${text}`, 2_000)).not.toContain(text);
    }),
    { numRuns: 500 },
  );
});

test('what a cut leaves of a secret is taken out, too', () => {
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

test('a text without a secret stays as it is, but for what no terminal should get', () => {
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

test('private keys, authorization headers and signatures are taken out, whatever they belong to', () => {
  const secrets = new Secrets([]);
  expect(secrets.redact(`key ${SECRETS.lines} end`, 1_000)).toBe('key ***  end');
  expect(secrets.redact('{"Authorization":"Bearer abc.def.ghi","x":1}', 1_000)).toBe(
    '{"Authorization":"***","x":1}',
  );
  expect(secrets.redact('X-Auth-Token: gAAAAABl no', 1_000)).toBe('X-Auth-Token: *** no');
  expect(secrets.redact(`?X-Amz-Signature=${'ab'.repeat(32)}&x`, 1_000)).toBe('?X-Amz-Signature=***&x');
});

test('what a driver was given for the credential is taken out from then on', () => {
  const secrets = new Secrets([]);
  const token = 'gAAAAABlyTokenOfKeystone-0123456789';
  expect(secrets.redact(`token ${token}`, 1_000)).toContain(token);
  secrets.add(token);
  expect(secrets.redact(`token ${token}`, 1_000)).toBe('token ***');
});

describe('an identifier', () => {
  const secrets = new Secrets([SECRETS.key, 'ubuntu']);

  test('with a secret in it is found', () => {
    expect(secrets.isIn(`i-${SECRETS.key}`)).toBe(true);
    expect(secrets.isIn(Buffer.from(SECRETS.key).toString('base64'))).toBe(true);
  });

  test('may have a word in it that is a short password', () => {
    expect(secrets.isIn('ubuntu-24.04-server-amd64')).toBe(false);
    expect(secrets.isIn('i-0123456789abcdef0')).toBe(false);
  });
});

test('escapes that need each other are decoded to the last', () => {
  const { bytes, starts, ends } = decodeEscapes(bytesOf('a%2525&amp;quot;\\\\u0022b'), 'all');
  expect(bytes).toBe('a%""b');
  expect([starts[1], ends[1]]).toEqual([1, 6]);
});

/** How many characters of the secret stand in the text in a row, in whatever case. */
function longestStretch(text: string, secret: string): number {
  const [inText, inSecret] = [text.toLowerCase(), secret.toLowerCase()];
  for (let length = inSecret.length; length > 0; length -= 1) {
    for (let at = 0; at + length <= inSecret.length; at += 1) {
      if (inText.includes(inSecret.slice(at, at + length))) return length;
    }
  }
  return 0;
}
