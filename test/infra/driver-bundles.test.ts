import { describe, expect, it } from 'vitest';
import { REGISTERED_DRIVERS } from '../../functions/drivers/registry.ts';
import { bundleFunctions, packageOf } from '../../infra/settings/bundles.ts';

const bundles = bundleFunctions();
const drivers = REGISTERED_DRIVERS.map(({ name }) => name);
const entryOf = (driver: string) => `drivers/${driver}`;
const folderOf = (driver: string) => `functions/drivers/${driver}/`;

const isOfADriver = (path: string) => /^functions\/drivers\/[^/]+\//.test(path);
const importedBy = (matches: (path: string) => boolean): Set<string> =>
  new Set(
    [...bundles.importsOf].flatMap(([path, imports]) =>
      matches(path) ? imports.flatMap((one) => packageOf(one) ?? []) : [],
    ),
  );

/** Packages that the code of this driver alone imports. */
function ownPackages(driver: string): Set<string> {
  const others = importedBy((path) => !path.startsWith(folderOf(driver)));
  const own = importedBy((path) => path.startsWith(folderOf(driver)));
  return new Set([...own].filter((name) => !others.has(name)));
}

/** A driver's metadata, and what that is made of. */
function metadataOf(driver: string, path = `${folderOf(driver)}metadata.ts`): string[] {
  const parts = (bundles.importsOf.get(path) ?? []).filter((one) => one.startsWith(folderOf(driver)));
  return [path, ...parts.flatMap((one) => metadataOf(driver, one))];
}

/** Bytes in a bundle of what belongs to a driver: its code, without its metadata, and the packages of its own. */
function bytesOfDriver(entry: string, driver: string): number {
  const own = ownPackages(driver);
  const metadata = new Set(metadataOf(driver));
  return [...bundles.bytesOf(entry)].reduce((sum, [path, bytes]) => {
    const isCode = path.startsWith(folderOf(driver)) && !metadata.has(path);
    return isCode || own.has(packageOf(path) ?? '') ? sum + bytes : sum;
  }, 0);
}

describe('the measure', () => {
  it('sees the SDK of a driver that has one, and no package that all functions use', () => {
    expect(ownPackages('aws')).toContain('@aws-sdk/client-ec2');
    for (const driver of drivers) expect(ownPackages(driver)).not.toContain('zod');
    expect(importedBy((path) => !isOfADriver(path))).toContain('zod');
  });

  it.each(drivers)('finds the code of %s where it belongs', (driver) => {
    expect(bytesOfDriver(entryOf(driver), driver)).toBeGreaterThan(5_000);
  });

  it('finds a whole SDK in the bundle that is to have it', () => {
    expect(bytesOfDriver(entryOf('aws'), 'aws')).toBeGreaterThan(500_000);
  });
});

it.each(drivers)('the metadata of %s is data, and little of it', (driver) => {
  expect(metadataOf(driver).length).toBeLessThanOrEqual(3);
  const bytes = metadataOf(driver).map((path) => bundles.bytesOf('api/connections').get(path) ?? 0);
  expect(bytes.every((size) => size > 0 && size < 10_000)).toBe(true);
});

it.each(drivers)('nothing of driver %s is in any other function', (driver) => {
  const others = bundles.entries.filter((entry) => entry !== entryOf(driver));
  expect(others.length).toBeGreaterThan(drivers.length);
  const found = others.flatMap((entry) => {
    const bytes = bytesOfDriver(entry, driver);
    return bytes === 0 ? [] : [`${entry}: ${bytes} bytes of ${driver}`];
  });
  expect(found).toEqual([]);
});
