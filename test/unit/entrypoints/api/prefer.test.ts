import { expect, it } from 'vitest';
import { waitSecondsOf } from '../../../../functions/entrypoints/api/prefer.ts';

it.each([
  ['wait=25', 25],
  ['Wait = 10', 10],
  ['wait="7"', 7],
  ['respond-async, wait=5', 5],
  ['return=representation; foo="bar", wait=5; x=y', 5],
  ['wait=3, wait=9', 3],
])('the header `Prefer: %s` asks to wait for %i seconds', (header, seconds) => {
  expect(waitSecondsOf(header)).toBe(seconds);
});

it.each([
  undefined,
  '',
  'respond-async',
  'wait',
  'wait=',
  'wait=0',
  'wait=-5',
  'wait=ten',
  'wait=1.5',
  'waiting=9',
])('the header `Prefer: %s` asks for no wait', (header) => {
  expect(waitSecondsOf(header)).toBeUndefined();
});

it('a first preference `wait` without a number hides a later one', () => {
  expect(waitSecondsOf('wait=soon, wait=9')).toBeUndefined();
});
