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

/** Returns the packages that only this driver's code imports. */
function ownPackages(driver: string): Set<string> {
  const others = importedBy((path) => !path.startsWith(folderOf(driver)));
  const own = importedBy((path) => path.startsWith(folderOf(driver)));
  return new Set([...own].filter((name) => !others.has(name)));
}

/**
 * Returns the paths of a driver's metadata file and of the driver's files that the metadata file imports,
 * directly or indirectly.
 */
function metadataOf(driver: string, path = `${folderOf(driver)}metadata.ts`): string[] {
  const parts = (bundles.importsOf.get(path) ?? []).filter((one) => one.startsWith(folderOf(driver)));
  return [path, ...parts.flatMap((one) => metadataOf(driver, one))];
}

/**
 * Counts a driver's bytes in a bundle: the driver's code without its metadata, and the packages that only
 * this driver imports.
 */
function bytesOfDriver(entry: string, driver: string): number {
  const own = ownPackages(driver);
  const metadata = new Set(metadataOf(driver));
  return [...bundles.bytesOf(entry)].reduce((sum, [path, bytes]) => {
    const isCode = path.startsWith(folderOf(driver)) && !metadata.has(path);
    return isCode || own.has(packageOf(path) ?? '') ? sum + bytes : sum;
  }, 0);
}

describe('bytesOfDriver', () => {
  it("ownPackages contains a driver's SDK, and does not contain a package that all functions use", () => {
    expect(ownPackages('aws')).toContain('@aws-sdk/client-ec2');
    for (const driver of drivers) expect(ownPackages(driver)).not.toContain('zod');
    expect(importedBy((path) => !isOfADriver(path))).toContain('zod');
  });

  it.each(drivers)('the bundle of driver %s has more than 5,000 bytes of that driver', (driver) => {
    expect(bytesOfDriver(entryOf(driver), driver)).toBeGreaterThan(5_000);
  });

  it('the bundle of driver aws has more than 500,000 bytes of the driver, SDK included', () => {
    expect(bytesOfDriver(entryOf('aws'), 'aws')).toBeGreaterThan(500_000);
  });
});

it.each(drivers)('the metadata of driver %s has at most three files, each below 10,000 bytes', (driver) => {
  expect(metadataOf(driver).length).toBeLessThanOrEqual(3);
  const bytes = metadataOf(driver).map((path) => bundles.bytesOf('api/connections').get(path) ?? 0);
  expect(bytes.every((size) => size > 0 && size < 10_000)).toBe(true);
});

it.each(drivers)("only the bundle of the driver's own function contains code of driver %s", (driver) => {
  const others = bundles.entries.filter((entry) => entry !== entryOf(driver));
  expect(others.length).toBeGreaterThan(drivers.length);
  const found = others.flatMap((entry) => {
    const bytes = bytesOfDriver(entry, driver);
    return bytes === 0 ? [] : [`${entry}: ${bytes} bytes of ${driver}`];
  });
  expect(found).toEqual([]);
});
