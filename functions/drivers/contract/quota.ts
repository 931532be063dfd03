/**
 * What a quota counts. `family`: the machines of one family of instance types. `spot`: spot machines. `instances`,
 * `vcpus` and `memoryGb`: all machines; where the driver has classes of instance types (`quotaClassOf`), `vcpus` counts
 * those of one class. `addresses`: public addresses, ports and network interfaces, of which each
 * machine needs one. `volumes`: the number or size of disks. `networks`: networks and what belongs to them, such as
 * routers, gateways, security groups and key pairs. `account`: everything of the account, for example its balance.
 */
export const QUOTA_SUBJECTS = [
  'family',
  'spot',
  'instances',
  'vcpus',
  'memoryGb',
  'addresses',
  'networks',
  'volumes',
  'account',
] as const;
export type QuotaSubject = (typeof QUOTA_SUBJECTS)[number];

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
