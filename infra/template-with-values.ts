import * as z from 'zod';
import { type Template, templateSchema } from './template.ts';

type Values = Readonly<Record<string, unknown>>;

const parametersSchema = z.record(z.string(), z.object({ Type: z.string(), Default: z.unknown() }));
const refSchema = z.strictObject({ Ref: z.string() });
const joinSchema = z.strictObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });
const ifSchema = z.strictObject({ 'Fn::If': z.tuple([z.string(), z.unknown(), z.unknown()]) });
const notSchema = z.strictObject({ 'Fn::Not': z.tuple([z.unknown()]) });
const equalsSchema = z.strictObject({ 'Fn::Equals': z.tuple([z.unknown(), z.unknown()]) });
const objectSchema = z.record(z.string(), z.unknown());

/**
 * Returns the template as CloudFormation reads it with these values of the parameters: references to parameters are
 * replaced by values, and conditions are decided. Parameters that `values` does not name have their defaults. Pure.
 *
 * @throws Error that names a value without a parameter, or a condition of an unknown form
 */
export function templateWithValues(template: Template, values: Values = {}): Template {
  const parameters = parametersSchema.parse(template['Parameters'] ?? {});
  const unknown = Object.keys(values).filter((name) => !(name in parameters));
  if (unknown.length > 0) throw new Error(`the template has no parameters ${unknown.join(', ')}`);
  const own = Object.entries(parameters).filter(([, { Type }]) => !Type.startsWith('AWS::SSM::'));
  const known: Values = Object.fromEntries(
    own.map(([name, { Type, Default }]) => {
      const value = values[name] ?? Default;
      return [name, Type === 'Number' ? Number(value) : value];
    }),
  );
  const conditions = Object.fromEntries(
    Object.entries(objectSchema.parse(template['Conditions'] ?? {})).map(([name, condition]) => [
      name,
      isTrue(condition, known),
    ]),
  );
  const filled = (value: unknown): unknown => fill(value, known, conditions);
  const resources = Object.entries(template.Resources).filter(
    ([, { Condition }]) => Condition === undefined || conditions[String(Condition)] === true,
  );
  return templateSchema.parse({
    ...template,
    Resources: Object.fromEntries(resources.map(([id, resource]) => [id, filled(resource)])),
    Outputs: filled(template.Outputs),
  });
}

function fill(value: unknown, known: Values, conditions: Readonly<Record<string, boolean>>): unknown {
  const filled = (one: unknown): unknown => fill(one, known, conditions);
  if (Array.isArray(value)) return value.map(filled);
  if (typeof value !== 'object' || value === null) return value;
  const name = refSchema.safeParse(value).data?.Ref;
  if (name !== undefined && name in known) return known[name];
  const chosen = ifSchema.safeParse(value).data?.['Fn::If'];
  if (chosen) return filled(conditions[chosen[0]] ? chosen[1] : chosen[2]);
  const joined = joinSchema.safeParse(value).data?.['Fn::Join'];
  if (joined) {
    const parts = joined[1].map(filled);
    const isText = parts.every((part) => typeof part === 'string' || typeof part === 'number');
    return isText ? parts.join(joined[0]) : { 'Fn::Join': [joined[0], parts] };
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one)]));
}

function isTrue(condition: unknown, known: Values): boolean {
  const negated = notSchema.safeParse(condition).data?.['Fn::Not'];
  if (negated) return !isTrue(negated[0], known);
  const compared = equalsSchema.safeParse(condition).data?.['Fn::Equals'];
  if (!compared) throw new Error(`this condition is of an unknown form: ${JSON.stringify(condition)}`);
  const [left, right] = compared.map((one) => fill(one, known, {}));
  return left === right;
}
