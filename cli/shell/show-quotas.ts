import type { QuotaReading } from '../../functions/model/quota.ts';
import { type Cell, table } from './table.ts';

interface Quotas {
  quotas: readonly QuotaReading[];
  quotaLocationsLeftOut: number;
  governor: { locations: readonly { location: string }[] };
}

/**
 * Returns a text that shows the quotas of a connection's account. A cloud has many quotas at many locations: without a
 * location, the text has those of the locations where anything was ever launched.
 */
export function quotasText(
  name: string,
  { quotas, quotaLocationsLeftOut, governor }: Quotas,
  location: string | undefined,
): string {
  const used = new Set(governor.locations.map((one) => one.location));
  const shown = quotas.filter((one) =>
    location === undefined ? used.has(one.location) : one.location === location,
  );
  if (quotas.length === 0) return '';
  const rows = shown.flatMap(rowsOf);
  const failures = shown.flatMap((one) =>
    one.failure
      ? `The quotas of ${one.location} could not be read at ${one.failure.at}: ${one.failure.message}\n`
      : [],
  );
  const others = quotas.length - shown.length + quotaLocationsLeftOut;
  const more =
    others === 0
      ? []
      : [
          `Quotas of ${others} more ${others === 1 ? 'location' : 'locations'}: \`fleetwright connection limits ${name} --location LOCATION\`\n`,
        ];
  const heads = ['location', 'quota of the account', 'limit', 'used', 'counts', 'code', 'read at'];
  return [...(rows.length > 0 ? [table(heads, rows)] : []), ...failures, ...more].join('');
}

function rowsOf({ location, readAt, quotas }: QuotaReading): Cell[][] {
  return quotas.map((quota) => [
    location,
    quota.name,
    quota.limit,
    quota.used,
    [quota.unit, quota.instanceClass, quota.market, quota.diskType].filter(Boolean).join(' '),
    quota.isAdjustable === false ? `${quota.code ?? ''} (fixed)`.trim() : quota.code,
    readAt,
  ]);
}
