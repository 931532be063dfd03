import assert from 'node:assert/strict';
import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type Field, inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { Ec2World } from '../worlds/ec2/world.ts';

const STANDARD = 'L-1216C47A';
const site = SITES.aws;
type Aws = Field<{ aws: Ec2World }>;

/** Connects an account that has so many vCPUs of the class Standard; undefined: without the right to read quotas. */
async function withVcpus(limit: number | undefined, play: (field: Aws) => Promise<void>): Promise<void> {
  await inField({ worlds: () => ({ aws: new Ec2World() }) }, async (field) => {
    if (limit !== undefined) field.worlds.aws.quotas.set(STANDARD, limit);
    await field.user.makeNamespace();
    await field.user.connect('cloud', site);
    await play(field);
  });
}

async function refusalOf({ stage, user }: Aws, size: number): Promise<Problem> {
  const order = user.order(`of-${size}`, 'cloud', site, size);
  const refused = await stage.create(order).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(refused instanceof Problem, `a fleet of ${size} was not refused: ${String(refused)}`);
  return refused;
}

const codesOf = ({ errors = [] }: Problem) => errors.map(({ pointer, code }) => `${pointer} ${code}`);

/** Before, a fleet that no quota could fit was accepted, and failed after a call for each of its machines or types. */
export const f43: FieldCase[] = [
  {
    id: 'F43',
    title:
      'a fleet beyond the vCPUs of the account is refused without a call to EC2, until the quota was raised and read again',
    play: () =>
      withVcpus(5, async (field) => {
        const { worlds, stage, user, ground } = field;
        const sinceMs = ground.now();
        const refused = await refusalOf(field, 3);
        assertIs('errors of the refused fleet', codesOf(refused), ['/nodeGroups/0/size above-quota']);
        const [error] = refused.errors ?? [];
        assert.ok(error?.message.includes(STANDARD) && error.message.includes('5 vCPUs'), error?.message);
        assertIs('requests for machines', worlds.aws.script.calls('RunInstances', sinceMs).length, 0);
        worlds.aws.quotas.set(STANDARD, 64);
        await user.syncInventory('cloud');
        const fleet = await stage.create(user.order('fits', 'cloud', site, 3));
        await stage.until(fleet.id, ({ status }) => status === 'Running');
        const { quotas } = await user.limits('cloud');
        assertIs('limit that is shown', quotas[0]?.quotas[0]?.limit, 64);
      }),
  },
  {
    id: 'F43-denied',
    title:
      'an account without the right to read quotas runs fleets, its limits say why, and its health is not troubled',
    play: () =>
      withVcpus(undefined, async (field) => {
        const { stage, user } = field;
        const fleet = await stage.create(user.order('runs', 'cloud', site, 3));
        await stage.until(fleet.id, ({ status }) => status === 'Running');
        const { quotas } = await user.limits('cloud');
        assertIs(
          'locations and failures of their quotas',
          quotas.map(({ location, failure }) => `${location} ${failure?.code}`),
          [`${site.location} Forbidden`],
        );
        const { health } = await user.health('cloud');
        // The accounts of these worlds may not read AWS's public parameters either.
        assertIs(
          'denied calls in the health',
          health?.deniedCalls.map(({ call }) => call),
          ['ssm:GetParameters'],
        );
      }),
  },
];
