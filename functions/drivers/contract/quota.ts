import type { QuotaSubject } from '../../model/quota-subject.ts';

/** A quota that refused a call, as far as the cloud's words tell. The figures are in the unit of `of`. */
export interface RefusedQuota {
  of: QuotaSubject;
  limit?: number;
  used?: number;
  /** What the refused call asked for. */
  requested?: number;
}

/** Maximum of a figure of a quota. A larger figure is no quota. */
const MAX_FIGURE = 1e12;

/**
 * Reduces a quota that a driver read from a cloud's words to valid values. Leaves out figures that are not finite, are
 * negative, or are absurdly large.
 */
export function boundQuota({ of, limit, used, requested }: RefusedQuota): RefusedQuota {
  return {
    of,
    ...figure('limit', limit),
    ...figure('used', used),
    ...figure('requested', requested),
  };
}

function figure(name: 'limit' | 'used' | 'requested', value: number | undefined) {
  const isValid = value !== undefined && Number.isFinite(value) && value >= 0 && value <= MAX_FIGURE;
  return isValid ? { [name]: value } : {};
}

/** Returns a number that a cloud wrote, such as `24.0` or `1,000`; undefined if `text` is not a number. */
export function figureOf(text: string | undefined): number | undefined {
  const value = Number(text?.replaceAll(',', '') || Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}
