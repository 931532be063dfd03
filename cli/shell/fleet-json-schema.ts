import * as z from 'zod';
import { fleetRequestSchema } from '../../functions/model/fleet-request.ts';
import { SUCCESSORS } from '../../functions/model/superseded-fields.ts';
import { userDataFileSchema } from './user-data-file.ts';

/** Address of the schema for editors, in a comment at the top of a fleet.yaml. */
const SCHEMA_ID = 'https://raw.githubusercontent.com/fleetwright/fleetwright/main/docs/fleet.schema.json';

type JsonSchema = z.core.JSONSchema.JSONSchema;

const OPTIONS = { io: 'input', target: 'draft-7', unrepresentable: 'any' } as const;

/**
 * Returns the JSON Schema of fleet.yaml, for editors. It has what the schema of the API has, the user data from files,
 * and those rules over several fields that JSON Schema can express. `npm run fleet-schema` writes it to
 * docs/fleet.schema.json.
 */
export function fleetJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(fleetRequestSchema, OPTIONS);
  const group = partOf(schema, 'properties', 'nodeGroups', 'items');
  Object.assign(group, groupRules());
  const { $schema: _, ...userDataFile } = z.toJSONSchema(userDataFileSchema, OPTIONS);
  const userData = partOf(group, 'properties', 'userData');
  userData['anyOf'] = [...z.array(z.unknown()).parse(userData['anyOf']), userDataFile];
  return { ...schema, $id: SCHEMA_ID, title: 'fleet.yaml of Fleetwright' };
}

const objectSchema = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null,
);

/** Returns a part of a schema itself, so that a change of the part changes the schema. */
function partOf(schema: object, ...path: readonly string[]): Record<string, unknown> {
  return path.reduce((part, name) => objectSchema.parse(part[name]), objectSchema.parse(schema));
}

/** Returns the rules over several fields of a node group. */
function groupRules(): JsonSchema {
  const both = [...SUCCESSORS, ['rootDiskGb', 'rootDisk']].map((names) => ({
    not: { required: [...names] },
  }));
  return { allOf: [...both, { anyOf: [{ required: ['instanceType'] }, { required: ['instanceTypes'] }] }] };
}
