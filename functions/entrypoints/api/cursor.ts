import { Problem } from './problem.ts';

/** Cursors are opaque to users: base64url of what the store goes on from. */
export function encodeCursor(position: string | number | null): string | null {
  return position === null ? null : Buffer.from(String(position)).toString('base64url');
}

/** @throws Problem 400 when it does not look like one of ours */
export function decodeCursor(
  cursor: string | undefined,
  pattern = /^[\x20-\x7e]{1,500}$/,
): string | undefined {
  if (cursor === undefined) return undefined;
  const position = Buffer.from(cursor, 'base64url').toString('utf8');
  // Other bits at its end would be read as the same position.
  const isOurs = Buffer.from(position, 'utf8').toString('base64url') === cursor;
  if (isOurs && pattern.test(position)) return position;
  throw new Problem('invalid-request', 'invalid cursor: use the `cursor` of an earlier page', {
    errors: [
      { pointer: '?cursor', code: 'invalid-cursor', message: 'must be the cursor of an earlier page' },
    ],
  });
}
