import { expect, it } from 'vitest';
import { CASES } from './cases/index.ts';

const TIMEOUT_MS = 120_000;

it.each(CASES.map(({ id, title, play }) => [id, title, play] as const))(
  '%s: %s',
  async (_id, _title, play) => await play(),
  TIMEOUT_MS,
);

it('each field case has a unique id', () => {
  expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
});
