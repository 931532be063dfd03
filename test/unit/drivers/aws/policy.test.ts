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

/**
 * Reads the policy that docs/drivers/aws.md tells users to give to the driver's role. The policy is the last
 * JSON block of that page.
 */
function policy() {
  const guide = readFileSync(join(root, 'docs/drivers/aws.md'), 'utf8');
  const [text] = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json ?? '').slice(-1);
  return policySchema.parse(JSON.parse(text ?? ''));
}

/**
 * Calls of STS that need no permission in the policy. AWS allows GetCallerIdentity without a permission. The
 * deployment's own role calls AssumeRole.
 */
const OF_STS = ['AssumeRole', 'GetCallerIdentity'];

/** Returns the IAM actions of all calls in the driver's code. */
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

it("the guide's policy allows exactly the actions that the driver calls", () => {
  // Tagging a resource at its creation needs a separate permission.
  const allowed = new Set(policy().Statement.flatMap(({ Action }) => Action));
  expect([...allowed].sort()).toEqual([...new Set([...called(), 'ec2:CreateTags'])].sort());
});

it("the guide's policy has a condition for every EC2 action that is not a read, except CreateRoute and one statement about RunInstances", () => {
  const free = policy()
    .Statement.filter(({ Condition }) => Condition === undefined)
    .flatMap(({ Action }) => Action)
    .filter((action) => !/:(Describe|Get)/.test(action))
    // The policy restricts actions of SSM by the names of parameters instead of by a condition.
    .filter((action) => !action.startsWith('ssm:'));
  expect(free.sort()).toEqual(['ec2:CreateRoute', 'ec2:RunInstances']);
});
