import * as z from 'zod';
import { cloudWordSchema } from './identifiers.ts';
import type { GroupIssue } from './superseded-fields.ts';

/** Maximum number of instance types of one node group. Each type that has no capacity costs an attempt. */
export const MAX_INSTANCE_TYPES = 10;
/** Maximum number of zones that a node group may name, over all its locations. */
export const MAX_ZONES = 50;

/** The fields of a node group that say which instance types and zones its instances may have. */
export const typeChoiceShape = {
  zone: cloudWordSchema
    .optional()
    .describe('The only zone of the instances, in a node group with one location. `zones` is its successor.'),
  zones: z
    .array(cloudWordSchema)
    .min(1)
    .max(MAX_ZONES)
    .optional()
    .describe(
      'The zones in which instances may be created, at least one of each location. Absent: all zones of the locations.',
    ),
  instanceType: cloudWordSchema
    .optional()
    .describe('The instance type. A node group has either this field or `instanceTypes`.'),
  instanceTypes: z
    .array(cloudWordSchema)
    .min(1)
    .max(MAX_INSTANCE_TYPES)
    .optional()
    .describe(
      'Instance types in the order of trial. An instance gets the next type if no zone of its location has capacity for the one before.',
    ),
};

/** The fields above as the request has them, without those that are not well-formed. */
export const typeChoiceRemains = z.object({
  zone: cloudWordSchema.optional().catch(undefined),
  zones: z.array(cloudWordSchema.optional().catch(undefined)).max(MAX_ZONES).optional().catch(undefined),
  instanceType: cloudWordSchema.optional().catch(undefined),
  instanceTypes: z
    .array(cloudWordSchema.optional().catch(undefined))
    .max(MAX_INSTANCE_TYPES)
    .optional()
    .catch(undefined),
});

/** Finds errors in a node group's types and zones that need no catalogue. Pure. */
export function typeChoiceIssues(group: Readonly<Record<string, unknown>>): GroupIssue[] {
  const issues: GroupIssue[] = [];
  const add = (field: string, code: string, message: string) => issues.push({ path: [field], code, message });
  if (group['instanceType'] === undefined && group['instanceTypes'] === undefined)
    add('instanceType', 'missing', 'must be given, unless `instanceTypes` is given');
  for (const field of ['instanceTypes', 'zones']) {
    const names: unknown = group[field];
    if (Array.isArray(names) && new Set(names).size < names.length)
      add(field, 'duplicate', `must name each ${field === 'zones' ? 'zone' : 'instance type'} only once`);
  }
  return issues;
}
