import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  cutText,
  isPlainText,
  plainJson,
  plainLines,
  plainText,
} from '../../../functions/model/plain-text.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 200 });

test('plainText removes all characters that control a terminal, and a second call changes nothing', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 100 }), (text, most) => {
      const plain = plainText(text, most);
      expect(plain.length).toBeLessThanOrEqual(most);
      expect(isPlainText(plain)).toBe(true);
      expect(plainText(plain, most)).toBe(plain);
    }),
  );
});

test('cutText does not split a character', () => {
  expect(cutText('abc😀', 5)).toBe('abc😀');
  expect(cutText('ab😀cd', 4)).toBe('ab…');
});

test('plainLines keeps line breaks, and shows each other control and bidirectional character as an escape sequence', () => {
  expect(plainLines('a\u001b[2J\tb\r\nc')).toBe('a\\u001b[2J b \nc');
  expect(plainLines('\u202etxt\u2066.\u0085\u2028\u200d')).toBe('\\u202etxt\\u2066.\\u0085\\u2028\\u200d');
  fc.assert(
    fc.property(anyText, (text) => {
      expect(plainLines(text).split('\n').every(isPlainText)).toBe(true);
    }),
  );
});

test('plainJson returns JSON text without control characters, and JSON.parse returns the printed value', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const printed = plainJson({ [text]: text });
      expect(JSON.parse(printed)).toEqual({ [text]: text });
      expect(isPlainText(printed.replaceAll('\n', ''))).toBe(true);
    }),
  );
});
