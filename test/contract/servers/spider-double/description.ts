import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

/** The part of Swagger's value schemas that CB-Spider's description uses for requests. */
const valueSchema = z.union([
  z.strictObject({ $ref: z.string() }),
  z.strictObject({ type: z.enum(['string', 'boolean']) }),
  z.strictObject({ type: z.literal('array'), items: z.unknown() }),
  z.strictObject({
    type: z.literal('object'),
    properties: z.record(z.string(), z.unknown()),
    required: z.array(z.string()).default([]),
  }),
]);

const parameterSchema = z.discriminatedUnion('in', [
  z.object({ in: z.literal('path'), name: z.string() }),
  z.object({
    in: z.literal('query'),
    name: z.string(),
    required: z.boolean().default(false),
    type: z.enum(['string', 'boolean']),
  }),
  z.object({ in: z.literal('body'), name: z.string(), required: z.literal(true), schema: z.unknown() }),
]);

const descriptionSchema = z.object({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ parameters: z.array(parameterSchema).default([]) })),
  ),
  definitions: z.record(z.string(), z.unknown()),
});

interface Operation {
  query: z.ZodType;
  body: z.ZodType;
}

/** Checks requests against the part of CB-Spider's published description that the driver uses. */
export class Description {
  readonly #definitions: Readonly<Record<string, unknown>>;
  readonly #operations = new Map<string, Operation>();

  constructor() {
    const text = readFileSync(new URL('./description.yaml', import.meta.url), 'utf8');
    const { paths, definitions } = descriptionSchema.parse(parse(text));
    this.#definitions = definitions;
    for (const [path, methods] of Object.entries(paths)) {
      const parts = path.slice(1).replace(/\{[^}]+\}/g, '*');
      for (const [method, { parameters }] of Object.entries(methods))
        this.#operations.set(`${method.toUpperCase()} ${parts}`, this.#operation(parameters));
    }
  }

  /** The patterns of all operations, for instance `GET vm/*`, where `*` matches any one part of a path. */
  get patterns(): string[] {
    return [...this.#operations.keys()];
  }

  /**
   * Returns the errors in a request, or an empty list if the request follows the description. CB-Spider
   * itself ignores unknown fields and parameters.
   */
  faultsOf(pattern: string, query: URLSearchParams, body: unknown): string[] {
    const operation = this.#operations.get(pattern);
    if (!operation) return [`${pattern} is not described`];
    const parsed = [
      operation.query.safeParse(Object.fromEntries(query)),
      operation.body.safeParse(body),
    ] as const;
    return parsed.flatMap(({ error }) =>
      (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`),
    );
  }

  #operation(parameters: readonly z.output<typeof parameterSchema>[]): Operation {
    const query: Record<string, z.ZodType> = {};
    let body: z.ZodType = z.undefined();
    for (const parameter of parameters) {
      if (parameter.in === 'body') body = this.#schemaOf(parameter.schema);
      if (parameter.in !== 'query') continue;
      const value = parameter.type === 'boolean' ? z.enum(['true', 'false']) : z.string().min(1);
      query[parameter.name] = parameter.required ? value : value.optional();
    }
    return { query: z.strictObject(query), body };
  }

  #schemaOf(node: unknown): z.ZodType {
    const described = valueSchema.parse(node);
    if ('$ref' in described) {
      return this.#schemaOf(this.#definitions[described.$ref.replace('#/definitions/', '')]);
    }
    switch (described.type) {
      case 'string':
        return z.string();
      case 'boolean':
        return z.boolean();
      case 'array':
        return z.array(this.#schemaOf(described.items));
      case 'object': {
        const required = new Set(described.required);
        const shape = Object.entries(described.properties).map(([name, property]): [string, z.ZodType] => {
          const schema = this.#schemaOf(property);
          return [name, required.has(name) ? schema : schema.optional()];
        });
        return z.strictObject(Object.fromEntries(shape));
      }
    }
  }
}
