import * as z from 'zod';
import { isPartitionOf } from '../../functions/platform/store/partitions.ts';
import { referredId, resourcesOf, type Template } from '../../infra/template.ts';
import { deployed, functionsOf } from './synthesized.ts';

const oneOrMany = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementSchema = z.strictObject({
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

/** A request to DynamoDB about one partition of one table. */
export interface Asked {
  /** Name of the table's construct, with the index: `DataFleetsTable/index/bySite`. */
  resource: string;
  /** Action without the service: `PutItem`. */
  action: string;
  pk: string;
}

/**
 * Returns a function that decides on requests of a function to DynamoDB as IAM does, by the statements of a template.
 *
 * @param entry the function's entry point, for instance `drivers/aws`
 * @throws Error if a statement is of a form that this code does not know
 */
export function decisionsOf(template: Template, entry: string): (asked: Asked) => boolean {
  const found = functionsOf(template).get(entry);
  if (!found) throw new Error(`the template has no function ${entry}`);
  const roleId = referredId(found.resource.Properties['Role']);
  const statements = resourcesOf(template, 'AWS::IAM::Policy').flatMap(([, { Properties }]) => {
    const { PolicyDocument, Roles } = policySchema.parse(Properties);
    return Roles.some((role) => referredId(role) === roleId) ? PolicyDocument.Statement : [];
  });
  const known = statements.map(({ Action, Resource, Condition }) => ({
    actions: new Set(Action),
    resources: new Set([Resource].flat().map((one) => deployed(template, one))),
    partitions: Condition?.['ForAllValues:StringLike']['dynamodb:LeadingKeys'],
  }));
  return ({ resource, action, pk }) =>
    known.some(
      ({ actions, resources, partitions }) =>
        actions.has(`dynamodb:${action}`) &&
        resources.has(resource) &&
        (partitions === undefined || partitions.some((pattern) => isPartitionOf(pattern, pk))),
    );
}
