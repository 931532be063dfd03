import { Problem } from './problem.ts';

/** Encodes the store's position in a list as an opaque cursor, in base64url. */
export function encodeCursor(position: string | number | null): string | null {
  return position === null ? null : Buffer.from(String(position)).toString('base64url');
}

/** Decodes a cursor. @throws Problem 400 if the API cannot have returned the cursor */
export function decodeCursor(
  cursor: string | undefined,
  pattern = /^[\x20-\x7e]{1,500}$/,
): string | undefined {
  if (cursor === undefined) return undefined;
  const position = Buffer.from(cursor, 'base64url').toString('utf8');
  // Accepts only the text that `encodeCursor` returns for the position. Other base64url texts, which differ
  // in unused last bits, decode to the same position.
  const isOurs = Buffer.from(position, 'utf8').toString('base64url') === cursor;
  if (isOurs && pattern.test(position)) return position;
  throw invalidCursor();
}

/** Returns the problem of a cursor that is not of this list. */
export function invalidCursor(): Problem {
  const message = 'must be the `cursor` of an earlier page of this list';
  return new Problem(
    'invalid-request',
    'the cursor is not valid: send the `cursor` of an earlier page of this list',
    { errors: [{ pointer: '?cursor', code: 'invalid-cursor', message }] },
  );
}
