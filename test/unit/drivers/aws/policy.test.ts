import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

const root = join(import.meta.dirname, '../../../..');
const driver = join(root, 'functions/drivers/aws');

const statementsSchema = z.array(
  z.object({
    Sid: z.string(),
    Effect: z.literal('Allow'),
    Action: z.union([z.string(), z.array(z.string())]).transform((actions) => [actions].flat()),
    Condition: z.unknown().optional(),
  }),
);
const policySchema = z.object({ Version: z.literal('2012-10-17'), Statement: statementsSchema });

/** Reads the JSON block after a heading of docs/drivers/aws.md. */
function blockAfter(heading: string): unknown {
  const guide = readFileSync(join(root, 'docs/drivers/aws.md'), 'utf8');
  const [, text = ''] = /```json\n([\s\S]*?)```/.exec(guide.slice(guide.indexOf(`${heading}\n`))) ?? [];
  return JSON.parse(text);
}

/** Reads the policy that docs/drivers/aws.md tells users to give to the driver's role. */
const policy = () => policySchema.parse(blockAfter('## The policy'));

/** Reads the policy for connections whose fleets use existing networks alone. */
function existingPolicy() {
  const kept = [
    'Look',
    'AskForPublicImages',
    'MarkThatTheDeploymentWorksHere',
    'LaunchWithOurTag',
    'LaunchFromImages',
    'NameMachinesOfBatches',
  ];
  const ofAll = policy().Statement.filter(({ Sid }) => kept.includes(Sid));
  return [...ofAll, ...statementsSchema.parse(blockAfter('### Only existing networks'))];
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

it('the policy for existing networks lacks the rights to make, change and remove networks, and no others', () => {
  const all = new Set(policy().Statement.flatMap(({ Action }) => Action));
  const allowed = new Set(existingPolicy().flatMap(({ Action }) => Action));
  expect([...allowed].filter((action) => !all.has(action))).toEqual([]);
  expect([...all].filter((action) => !allowed.has(action)).sort()).toEqual([
    'ec2:AttachInternetGateway',
    'ec2:AuthorizeSecurityGroupIngress',
    'ec2:CreateInternetGateway',
    'ec2:CreateLaunchTemplate',
    'ec2:CreateRoute',
    'ec2:CreateSecurityGroup',
    'ec2:CreateSubnet',
    'ec2:CreateVpc',
    'ec2:DeleteInternetGateway',
    'ec2:DeleteLaunchTemplate',
    'ec2:DeleteSecurityGroup',
    'ec2:DeleteSubnet',
    'ec2:DeleteVpc',
    'ec2:DetachInternetGateway',
  ]);
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
