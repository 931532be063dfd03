import { findTextFault } from '../../model/input-text.ts';
import type { FieldError } from './problem.ts';
import { isReservedKey } from './scan-json.ts';

/**
 * Finds what a schema of a query does not find: reserved names, malformed text, percent-encoding that is not UTF-8, and
 * parameters that are given more than once.
 *
 * @param query the decoded parameters. API Gateway joins the values of a repeated parameter with commas
 * @param raw the query as it was sent, without `?`
 */
export function queryErrors(query: Readonly<Record<string, string | undefined>>, raw: string): FieldError[] {
  return [
    ...rawErrors(raw),
    ...Object.entries(query).flatMap(([name, value = '']): FieldError[] => {
      const pointer = `?${name}`;
      if (isReservedKey(name))
        return [{ pointer, code: 'unrecognized-key', message: 'is not a known query parameter' }];
      const fault = findTextFault(`${name}${value}`);
      return fault ? [{ pointer, ...fault }] : [];
    }),
  ];
}

function rawErrors(raw: string): FieldError[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  const errors: FieldError[] = [];
  for (const part of raw.split('&').filter((one) => one !== '')) {
    const at = part.includes('=') ? part.indexOf('=') : part.length;
    const [name, value] = [decoded(part.slice(0, at)), decoded(part.slice(at + 1))];
    const pointer = `?${name ?? ''}`;
    if (name === undefined || value === undefined)
      errors.push({ pointer, code: 'invalid-format', message: 'must be percent-encoded UTF-8' });
    if (name !== undefined && seen.has(name)) repeated.add(name);
    if (name !== undefined) seen.add(name);
  }
  const message = 'must be given only once';
  return [
    ...errors,
    ...[...repeated].map((name) => ({ pointer: `?${name}`, code: 'duplicate-key', message })),
  ];
}

/** Decodes a name or a value of a query. @returns undefined if its percent-encoding is not UTF-8 */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
