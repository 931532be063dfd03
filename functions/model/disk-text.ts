/** A disk that is kept when its machine is removed. */
interface KeptDisk {
  sizeGb?: number | undefined;
  type?: string | null | undefined;
  usdPerMonth?: number | null | undefined;
}

/** Returns size, type and price of a disk: `50 GB gp3, $4.00 a month`. */
export function diskText({ sizeGb, type, usdPerMonth }: KeptDisk): string {
  const size = [`${sizeGb ?? '?'} GB`, ...(type ? [type] : [])].join(' ');
  const price = usdPerMonth === undefined || usdPerMonth === null ? 'price not known' : dollars(usdPerMonth);
  return `${size}, ${price}`;
}

/**
 * Returns the number of disks and their price together: `2 kept disks, $8.00 a month`. Says of how many disks the price
 * is not known.
 */
export function disksText(disks: readonly KeptDisk[]): string {
  const known = disks.flatMap(({ usdPerMonth }) => usdPerMonth ?? []);
  const unknown = disks.length - known.length;
  const count = `${disks.length} kept ${disks.length === 1 ? 'disk' : 'disks'}`;
  if (known.length === 0) return `${count}, price not known`;
  const sum = dollars(known.reduce((total, price) => total + price, 0));
  return unknown === 0 ? `${count}, ${sum}` : `${count}, ${sum} without ${unknown} whose price is not known`;
}

const dollars = (usd: number): string => `$${usd.toFixed(2)} a month`;
