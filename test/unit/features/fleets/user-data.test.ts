import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  checkUserData,
  storedUserData,
  userDataOfSpec,
} from '../../../../functions/features/fleets/user-data.ts';
import { MAX_USER_DATA_BYTES, userDataSchema } from '../../../../functions/model/user-data.ts';

const issuesOf = (value: unknown) =>
  userDataSchema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ??
  [];

describe('userDataSchema', () => {
  it('a text may have as many bytes as the clouds accept, and no more', () => {
    expect(issuesOf('x'.repeat(MAX_USER_DATA_BYTES))).toEqual([]);
    expect(issuesOf('x'.repeat(MAX_USER_DATA_BYTES + 1))).toEqual([
      ' must have at most 16384 bytes in UTF-8',
    ]);
  });

  it('the size counts after encoding', () => {
    const long = 'echo hello\n'.repeat(5_000);
    expect(issuesOf({ text: long, encoding: 'plain' })).toEqual([
      'text has 55000 bytes as plain; must have at most 16384',
    ]);
    expect(issuesOf({ text: long, encoding: 'gzip' })).toEqual([]);
    expect(checkUserData('/g', { text: long, encoding: 'gzip' })).toEqual([]);
    const random = Array.from({ length: 20_000 }, (_, at) => (at * 7_919 * at).toString(36)).join('');
    expect(issuesOf({ text: random, encoding: 'gzip' })).toEqual([]);
    expect(checkUserData('/g', { text: random, encoding: 'gzip' })).toEqual([
      { pointer: '/g/userData/text', code: 'too-big', message: expect.stringContaining('bytes as gzip') },
    ]);
    const bytes = Buffer.alloc(MAX_USER_DATA_BYTES).toString('base64');
    expect(issuesOf({ text: bytes, encoding: 'base64' })).toEqual([]);
    const more = Buffer.alloc(MAX_USER_DATA_BYTES + 1).toString('base64');
    expect(issuesOf({ text: more, encoding: 'base64' })).toHaveLength(1);
  });

  it('what is compressed already is not compressed again', () => {
    const text = gzipSync('#!/bin/sh\n').toString('base64');
    expect(issuesOf({ text, encoding: 'gzip' })).toEqual([
      'text is compressed with gzip already: give the encoding base64',
    ]);
    expect(issuesOf({ text, encoding: 'base64' })).toEqual([]);
    expect(issuesOf({ text: 'H4sI is how it begins', encoding: 'gzip' })).toEqual([]);
  });

  it('text that is not base64 is refused', () => {
    expect(issuesOf({ text: 'not base64!', encoding: 'base64' })).toEqual(['text must be base64']);
  });
});

describe('storedUserData', () => {
  it('a compressed text is stored as its bytes, so that every attempt sends the same bytes', () => {
    const stored = storedUserData({ text: '#!/bin/sh\n', encoding: 'gzip' });
    if (typeof stored === 'string') throw new Error('stored as text');
    expect(stored.encoding).toBe('base64');
    expect(gunzipSync(Buffer.from(stored.text, 'base64')).toString()).toBe('#!/bin/sh\n');
    expect(userDataOfSpec(stored)).toEqual({ userDataBase64: stored.text });
  });

  it('a plain text is stored as text', () => {
    expect(storedUserData({ text: 'ü', encoding: 'plain' })).toBe('ü');
    expect(userDataOfSpec('ü')).toEqual({ userData: 'ü' });
    expect(userDataOfSpec(undefined)).toEqual({});
  });
});
