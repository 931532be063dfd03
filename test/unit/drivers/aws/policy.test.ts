import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

const root = join(import.meta.dirname, '../../../..');
const driver = join(root, 'functions/drivers/aws');

const policySchema = z.object({
  Version: z.literal('2012-10-17'),
  Statement: z.array(
    z.object({
      Effect: z.literal('Allow'),
      Action: z.union([z.string(), z.array(z.string())]).transform((actions) => [actions].flat()),
      Condition: z.unknown().optional(),
    }),
  ),
});

/** The policy that the guide tells users to give the driver's role: the last JSON in it. */
function policy() {
  const guide = readFileSync(join(root, 'docs/drivers/aws.md'), 'utf8');
  const [text] = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json ?? '').slice(-1);
  return policySchema.parse(JSON.parse(text ?? ''));
}

/** Of STS: the one needs no right, the other is the deployment's own. */
const OF_STS = ['AssumeRole', 'GetCallerIdentity'];

/** What the driver's code calls, as IAM names it. */
function called(): string[] {
  const sources = readdirSync(driver).map((file) => readFileSync(join(driver, file), 'utf8'));
  const commands = sources.flatMap((source) =>
    [...source.matchAll(/new ([A-Z]\w+)Command\(/g)].map(([, name]) => name ?? ''),
  );
  return [...new Set(commands)]
    .filter((name) => !OF_STS.includes(name))
    .map((name) => (/Parameters?(ByPath)?$/.test(name) ? `ssm:${name}` : `ec2:${name}`))
    .sort();
}

it("the guide's policy allows what the driver calls, and no more", () => {
  // Tags in the step that makes a thing are a right of their own.
  const allowed = new Set(policy().Statement.flatMap(({ Action }) => Action));
  expect([...allowed].sort()).toEqual([...new Set([...called(), 'ec2:CreateTags'])].sort());
});

it('binds what changes or removes to what carries the tag, but for the route of a main table and images', () => {
  const free = policy()
    .Statement.filter(({ Condition }) => Condition === undefined)
    .flatMap(({ Action }) => Action)
    .filter((action) => !/:(Describe|Get)/.test(action))
    // Bound to the deployment's own parameters by their names.
    .filter((action) => !action.startsWith('ssm:'));
  expect(free.sort()).toEqual(['ec2:CreateRoute', 'ec2:RunInstances']);
});
