import { expect, test } from 'vitest';
import { SHORTEST_NAME_LIMIT } from '../../../functions/drivers/contract/names.ts';
import { DRIVERS, REGISTERED_DRIVERS } from '../../../functions/drivers/registry.ts';

test('each driver is registered under its own name', () => {
  for (const [name, metadata] of Object.entries(DRIVERS)) expect(metadata.name).toBe(name);
});

test.each(REGISTERED_DRIVERS.map((metadata) => [metadata.name, metadata] as const))(
  'the metadata of driver %s is consistent, and its lists have no duplicates',
  (_name, { clouds, credentialFields, capabilities, features, ...rest }) => {
    for (const list of [clouds, capabilities, features, credentialFields.map(({ name }) => name)])
      expect(new Set<string>(list).size).toBe(list.length);
    expect(clouds.length).toBeGreaterThan(0);
    for (const { pattern } of credentialFields) expect(() => new RegExp(pattern ?? '')).not.toThrow();
    expect(rest.maxNameLength).toBeGreaterThanOrEqual(SHORTEST_NAME_LIMIT);
    expect(rest.apiKind === 'global').toBe((capabilities as readonly string[]).includes('global-catalogue'));
  },
);
