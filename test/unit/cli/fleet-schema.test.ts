import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { fleetJsonSchema } from '../../../cli/shell/fleet-json-schema.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const node = z.looseObject({
  description: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
});

/** Returns the paths of all fields without a description, at every depth. */
function undescribed(schema: unknown, path = ''): string[] {
  const parsed = node.safeParse(schema);
  if (!parsed.success) return [];
  const { properties = {}, items, additionalProperties, anyOf = [], oneOf = [] } = parsed.data;
  const fields = Object.entries(properties).flatMap(([name, field]) => {
    const at = `${path}/${name}`;
    return [...(node.parse(field).description === undefined ? [at] : []), ...undescribed(field, at)];
  });
  return [
    ...fields,
    ...[...anyOf, ...oneOf].flatMap((part) => undescribed(part, path)),
    ...undescribed(items, `${path}[]`),
    ...undescribed(additionalProperties, `${path}{}`),
  ];
}

describe('docs/fleet.schema.json', () => {
  it('the file is the schema of the present code; `npm run fleet-schema` writes it', () => {
    expect(JSON.parse(read('docs/fleet.schema.json'))).toEqual(JSON.parse(JSON.stringify(fleetJsonSchema())));
  });

  it('every field has a description, which editors show', () => {
    expect(undescribed(fleetJsonSchema())).toEqual([]);
  });

  it('the schema accepts the example of the documentation', () => {
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(read('docs/fleet-yaml.md')) ?? [];
    // Zod cannot read `not`, which only the rules over several fields use.
    const withoutRules = JSON.parse(read('docs/fleet.schema.json'), (key, value: unknown) =>
      key === 'allOf' ? undefined : value,
    );
    const schema = z.fromJSONSchema(withoutRules);
    expect(schema.safeParse(parse(example)).error).toBeUndefined();
  });

  it('the schema marks fields that exclude each other, and accepts user data from a file', () => {
    const text = read('docs/fleet.schema.json');
    expect(text).toContain('"rootDiskGb"');
    const group = z
      .looseObject({ allOf: z.array(z.unknown()), properties: z.looseObject({ userData: node }) })
      .parse(node.parse(node.parse(JSON.parse(text)).properties?.['nodeGroups']).items);
    expect(group.allOf).toContainEqual({ not: { required: ['zone', 'zones'] } });
    expect(group.allOf).toContainEqual({ not: { required: ['rootDiskGb', 'rootDisk'] } });
    const kinds = group.properties.userData.anyOf?.map((one) =>
      Object.keys(node.parse(one).properties ?? {}),
    );
    expect(kinds).toEqual([[], ['text', 'encoding'], ['file', 'encoding']]);
  });
});
