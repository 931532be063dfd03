import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  actionsOf,
  documentedPolicy,
  existingNetworksPolicy,
  keysPolicy,
  quotasPolicy,
} from '../../../samples/documented-aws-policy.ts';

const root = join(import.meta.dirname, '../../../..');
const driver = join(root, 'functions/drivers/aws');

/**
 * Calls of STS that need no permission in the policy. AWS allows GetCallerIdentity without a permission. The
 * deployment's own role calls AssumeRole.
 */
const OF_STS = ['AssumeRole', 'GetCallerIdentity'];

/** The prefixes of IAM's actions whose service has another name in the SDK. */
const PREFIXES: Readonly<Record<string, string>> = { 'service-quotas': 'servicequotas' };

/** Returns the IAM actions of all calls in the driver's code, by the packages from which it imports the commands. */
function called(): string[] {
  const sources = readdirSync(driver).map((file) => readFileSync(join(driver, file), 'utf8'));
  const actions = sources.flatMap((source) => {
    const made = new Set([...source.matchAll(/new ([A-Z]\w+)Command\(/g)].map(([, name]) => name ?? ''));
    const imports = [...source.matchAll(/import \{([^}]*)\} from '@aws-sdk\/client-([a-z0-9-]+)'/g)];
    return imports.flatMap(([, names = '', service = '']) =>
      [...names.matchAll(/\b(\w+)Command\b/g)]
        .flatMap(([, name]) => (name !== undefined && made.has(name) ? [name] : []))
        .filter((name) => !OF_STS.includes(name))
        .map((name) => `${PREFIXES[service] ?? service}:${name}`),
    );
  });
  return [...new Set(actions)].sort();
}

/** Actions on customers' keys that EC2 calls in the name of the driver. */
const CALLED_BY_EC2 = [
  'kms:CreateGrant',
  'kms:Decrypt',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncrypt*',
];

it("the guide's policy and its further statements allow exactly the actions that the driver calls", () => {
  // Tagging a resource at its creation needs a separate permission.
  const allowed = actionsOf([...documentedPolicy(), ...quotasPolicy(), ...keysPolicy()]);
  const needed = [...called(), 'ec2:CreateTags', ...CALLED_BY_EC2];
  expect([...allowed].sort()).toEqual([...new Set(needed)].sort());
});

it("the statements for customers' keys let only services of AWS use grants on them", () => {
  const [, grants] = keysPolicy();
  expect(grants?.Action).toEqual(['kms:CreateGrant']);
  expect(grants?.Condition).toEqual({ Bool: { 'kms:GrantIsForAWSResource': 'true' } });
});

it('the statements for quotas allow reads of quotas and of metrics, and nothing else', () => {
  expect([...actionsOf(quotasPolicy())]).toEqual([
    'servicequotas:ListServiceQuotas',
    'cloudwatch:GetMetricData',
  ]);
});

it('the policy for existing networks lacks the rights to make, change and remove networks, and no others', () => {
  const all = actionsOf(documentedPolicy());
  const allowed = actionsOf(existingNetworksPolicy());
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
  const free = documentedPolicy()
    .filter(({ Condition }) => Condition === undefined)
    .flatMap(({ Action }) => Action)
    .filter((action) => !/:(Describe|Get)/.test(action))
    // The policy restricts actions of SSM by the names of parameters instead of by a condition.
    .filter((action) => !action.startsWith('ssm:'));
  expect(free.sort()).toEqual(['ec2:CreateRoute', 'ec2:RunInstances']);
});
