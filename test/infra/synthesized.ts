import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { type Bundles, HANDLERS } from '../../infra/settings/bundles.ts';
import type { StageName } from '../../infra/settings/config.ts';
import { synthesize } from '../../infra/synthesize.ts';
import { type Resource, referredId, resourcesOf, type Template } from '../../infra/template.ts';
import { templateWithValues } from '../../infra/template-with-values.ts';

const ROOT = join(import.meta.dirname, '../..');
const placeholders = mkdtempSync(join(tmpdir(), 'fleetwright-placeholders-'));
process.once('exit', () => rmSync(placeholders, { recursive: true, force: true }));

/**
 * Placeholders for the bundles of functions, because bundling takes most of the time of a synthesis.
 * `bundles.test.ts` makes the real bundles.
 */
const placeholderBundles: Bundles = {
  entries: [],
  directoryOf(entry) {
    if (!existsSync(join(ROOT, HANDLERS, `${entry}.handler.ts`))) throw new Error(`no entry point ${entry}`);
    const directory = join(placeholders, entry);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'index.mjs'), `// ${entry}\n`);
    return directory;
  },
};

const made = new Map<string, Template>();

/** Returns a stage's template as it is deployed by default: with the defaults of its parameters. */
export function templateOf(stage: StageName): Template {
  return templateWithValues(rawTemplateOf(stage));
}

/** Returns a stage's template with its parameters. */
export function rawTemplateOf(stage: StageName, context: Record<string, string> = {}): Template {
  const key = JSON.stringify([stage, context]);
  const template = made.get(key) ?? synthesize(stage, placeholderBundles, context);
  made.set(key, template);
  return template;
}

/** Returns the template of the stage `production` with all drivers and functions, also those that are deployed on request. */
export const templateOfAllDrivers = (): Template =>
  templateWithValues(rawTemplateOf('production', { drivers: 'sim', auditExport: 'compliance' }));

export function synthesizeWith(
  stage: StageName,
  context: Record<string, string>,
  values: Record<string, unknown> = {},
): Template {
  return templateWithValues(rawTemplateOf(stage, context), values);
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::AccountId': '123456789012',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackId': 'arn:aws:cloudformation:us-east-1:123456789012:stack/Fleetwright/0f0e5a9c-11ee',
};

const joinSchema = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });
const splitSchema = z.object({ 'Fn::Split': z.tuple([z.string(), z.unknown()]) });
const selectSchema = z.object({ 'Fn::Select': z.tuple([z.coerce.number(), z.unknown()]) });
const attributeSchema = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) });

/** Returns the construct's name in a logical id, without the hash that CDK appends. */
export const nameOf = (logicalId: string): string => logicalId.replace(/[0-9A-F]{8}$/, '');

/**
 * Returns a value of the template in a form similar to its deployed form. A `Ref` of a queue becomes a URL,
 * and a `Ref` of a state machine becomes an ARN. Any other reference to a resource becomes the name of its
 * construct, for instance `DataFleetsTable`.
 */
export function deployed(template: Template, value: unknown): string {
  if (typeof value === 'string') return value;
  // A number parameter. CloudFormation passes it as a text where a text is needed.
  if (typeof value === 'number') return String(value);
  const joined = joinSchema.safeParse(value).data?.['Fn::Join'];
  if (joined) return joined[1].map((part) => deployed(template, part)).join(joined[0]);
  const selected = selectSchema.safeParse(value).data?.['Fn::Select'];
  if (selected) {
    const [separator, text] = splitSchema.parse(selected[1])['Fn::Split'];
    return deployed(template, text).split(separator)[selected[0]] ?? '';
  }
  const attribute = attributeSchema.safeParse(value).data?.['Fn::GetAtt'];
  if (attribute) return nameOf(attribute[0]);
  const id = referredId(value);
  if (!id) throw new Error(`the deployed form of this value is unknown: ${JSON.stringify(value)}`);
  const pseudo = PSEUDO[id];
  if (pseudo) return pseudo;
  const type = template.Resources[id]?.Type;
  if (type === 'AWS::SQS::Queue') return `https://sqs.us-east-1.amazonaws.com/123456789012/${nameOf(id)}`;
  if (type === 'AWS::StepFunctions::StateMachine') {
    return `arn:aws:states:us-east-1:123456789012:stateMachine:${nameOf(id)}`;
  }
  return nameOf(id);
}

const environmentSchema = z.object({ Variables: z.record(z.string(), z.unknown()) });

/** Returns the functions of a template. The key is the entry point, for instance `drivers/aws`. */
export function functionsOf(template: Template): Map<string, { id: string; resource: Resource }> {
  return new Map(
    resourcesOf(template, 'AWS::Lambda::Function').map(([id, resource]) => [
      String(resource.Properties['Description']).replace(/^functions\/entrypoints\/handlers\//, ''),
      { id, resource },
    ]),
  );
}

export function environmentOf(template: Template, resource: Resource): Record<string, string> {
  const variables = environmentSchema.safeParse(resource.Properties['Environment']).data?.Variables ?? {};
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, deployed(template, value)]),
  );
}

const oneOrMany = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementSchema = z.object({
  Effect: z.literal('Allow'),
  Action: oneOrMany,
  Resource: z.unknown(),
  Condition: z
    .strictObject({ 'ForAllValues:StringLike': z.strictObject({ 'dynamodb:LeadingKeys': oneOrMany }) })
    .optional(),
});
const policySchema = z.object({
  PolicyDocument: z.object({ Statement: z.array(statementSchema) }),
  Roles: z.array(z.unknown()),
});

/**
 * Returns, for each resource, the sorted actions that a role may use. A resource with a condition on partition keys is
 * named with these keys: `DataAccessTable of CONNECTIONS#aws`.
 */
export function grantsOf(template: Template, role: unknown): Record<string, string[]> {
  const roleId = referredId(role);
  const grants = new Map<string, Set<string>>();
  for (const [, policy] of resourcesOf(template, 'AWS::IAM::Policy')) {
    const { PolicyDocument, Roles } = policySchema.parse(policy.Properties);
    if (!Roles.some((attached) => referredId(attached) === roleId)) continue;
    for (const { Action, Resource, Condition } of PolicyDocument.Statement) {
      const partitions = Condition?.['ForAllValues:StringLike']['dynamodb:LeadingKeys'].join(' ');
      for (const resource of [Resource].flat()) {
        const name = `${deployed(template, resource)}${partitions === undefined ? '' : ` of ${partitions}`}`;
        grants.set(name, new Set([...(grants.get(name) ?? []), ...Action]));
      }
    }
  }
  return Object.fromEntries([...grants].map(([name, actions]) => [name, [...actions].sort()]));
}
