import { DESCRIPTIONS, PARAMETERS } from './descriptions.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Adds the descriptions of `descriptions.ts` to properties and parameters of an OpenAPI document that have none. */
export function describeAll(part: unknown, parent = ''): void {
  if (Array.isArray(part)) {
    for (const item of part) describeAll(item, parent);
    return;
  }
  if (!isObject(part)) return;
  if (isParameter(part)) addTo(part, PARAMETERS[part.name]);
  const { properties } = part;
  if (isObject(properties)) describeProperties(properties, parent);
  for (const [name, member] of Object.entries(part)) {
    if (name === 'example' || name === 'properties') continue;
    // The names of components are the parents of their own properties.
    const isContainer = name === 'schemas' && isObject(member);
    if (isContainer) for (const [id, schema] of Object.entries(member)) describeAll(schema, id);
    else describeAll(member, parent);
  }
}

function describeProperties(properties: Json, parent: string): void {
  for (const [name, schema] of Object.entries(properties)) {
    if (isObject(schema)) addTo(schema, DESCRIPTIONS[`${parent}.${name}`] ?? DESCRIPTIONS[name]);
    describeAll(schema, name);
  }
}

const isParameter = (part: Json): part is Json & { name: string } =>
  typeof part['in'] === 'string' && typeof part['name'] === 'string';

function addTo(part: Json, description: string | undefined): void {
  if (description !== undefined) part['description'] ??= description;
}
