import { expect, it } from 'vitest';
import type { Meaning } from '../../../../functions/features/fleets/check-words.ts';
import { warnOfRights } from '../../../../functions/features/fleets/warn-rights.ts';

const AT = '2026-01-01T12:00:00.000Z';
const right = (call: string) => ({ call, code: 'UnauthorizedOperation', message: `may not ${call}` });
const lacking = (missing: NonNullable<Meaning['lacking']>[number]['rights']['missing']) => ({
  connection: { name: 'prod' },
  lacking: [
    { pointer: '/nodeGroups/0/locations/1', rights: { location: 'eu-west-3', missing, checkedAt: AT } },
  ],
});

it('a node group is warned of the locations where its connection lacks rights', () => {
  expect(warnOfRights(lacking([right('RunInstances')]), false)).toEqual([
    {
      pointer: '/nodeGroups/0/locations/1',
      code: 'missing-rights',
      message: `at ${AT}, the cloud denied connection prod at eu-west-3: RunInstances. It said: may not RunInstances. When the right is given, run \`fleetwright connection verify prod\``,
    },
  ]);
});

it('a fleet in an existing network is not warned of rights that only networks need', () => {
  const ofNetworks = { ...right('CreateVpc'), for: 'networks' as const };
  expect(warnOfRights(lacking([ofNetworks]), true)).toEqual([]);
  expect(warnOfRights(lacking([ofNetworks]), false)).toHaveLength(1);
  expect(warnOfRights(lacking([ofNetworks, right('RunInstances')]), true)[0]?.message).not.toContain(
    'CreateVpc',
  );
});

it('a node group whose locations lack no right is not warned', () => {
  expect(warnOfRights({ connection: { name: 'prod' } }, false)).toEqual([]);
});
