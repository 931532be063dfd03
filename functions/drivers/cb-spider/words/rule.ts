import type { QuotaSubject } from '../../../model/quota-subject.ts';
import type { DriverErrorCode, ErrorScope } from '../../contract/errors.ts';
import { figureOf, type RefusedQuota } from '../../contract/quota.ts';

/** The meaning of a cloud's words. */
export interface Meaning {
  code: DriverErrorCode;
  scope?: ErrorScope;
  /** What the quota is about. Only with `QuotaExceeded`. */
  quota?: RefusedQuota;
}

/** Recognizes words of one cloud. @returns undefined if the rule does not recognize `words` */
export type WordRule = (words: string) => Meaning | undefined;

/** Returns a rule for a code that needs no further facts. */
export function meaning(code: DriverErrorCode, pattern: RegExp, scope?: ErrorScope): WordRule {
  return (words) => (pattern.test(words) ? { code, ...(scope === undefined ? {} : { scope }) } : undefined);
}

/**
 * Returns a rule for a used-up quota. The groups `limit`, `used` and `requested` of the pattern have the quota's
 * figures.
 */
export function quota(of: QuotaSubject, pattern: RegExp): WordRule {
  return (words) => {
    const found = pattern.exec(words);
    if (!found) return undefined;
    const { limit, used, requested } = found.groups ?? {};
    const figures = { limit: figureOf(limit), used: figureOf(used), requested: figureOf(requested) };
    return { code: 'QuotaExceeded', quota: { of, ...present(figures) } };
  };
}

function present(figures: Readonly<Record<'limit' | 'used' | 'requested', number | undefined>>) {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined));
}
