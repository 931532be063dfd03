import * as z from 'zod';
import { HANDLERS } from '../settings/bundles.ts';
import { referredId, resourcesOf, type Template } from '../template.ts';

export type ResourceKind =
  | 'table'
  | 'index'
  | 'queue'
  | 'parameter'
  | 'state machine'
  | 'executions'
  | 'function'
  | 'log'
  | 'other';

/** The actions that one role may take on one resource. */
export interface Grant {
  readonly kind: ResourceKind;
  /**
   * Plain name of the resource, for example `fleets` for a table, `aws` for a driver's queue, a path for a
   * parameter, or `<table>/<index>` for an index.
   */
  readonly name: string;
  /** Sorted actions, with the prefix of the service: `dynamodb:GetItem`. */
  readonly actions: readonly string[];
  /** The only partition keys of a table that the actions may name; `*` stands for any text. Absent: all. */
  readonly partitions?: readonly string[];
}

/**
 * The grants of all roles of one stage, by the name of the function or state machine that has the role. The
 * names are sorted.
 */
export interface Grants {
  readonly functions: ReadonlyMap<string, readonly Grant[]>;
  readonly machines: ReadonlyMap<string, readonly Grant[]>;
  /** For each AWS service, the functions whose resource policy allows the service to call them. */
  readonly callers: ReadonlyMap<string, readonly string[]>;
}

const oneOrMany = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
/**
 * Refuses a statement with a denial, or with a condition other than one about partition keys, because the grants page
 * shows neither.
 */
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
const permissionSchema = z.object({ FunctionName: z.unknown(), Principal: z.string() });

/**
 * Reads from a stage's synthesized template what each role of the stage may do. Pure.
 *
 * @throws Error that names a grant which this program cannot read: a grant with a denial or an unknown condition, a grant in a
 *   managed policy or inside a role, or a grant of a role that no function and no state machine has
 */
export function readGrants(template: Template): Grants {
  const names = namesOf(template);
  const grants = new Map(
    resourcesOf(template, 'AWS::IAM::Role').map(([id]) => [id, new Map<string, Grant>()]),
  );
  refuseOtherForms(template);
  for (const [id, { Properties }] of resourcesOf(template, 'AWS::IAM::Policy')) {
    const policy = policySchema.safeParse(Properties);
    if (!policy.success)
      throw new Error(`${id}: infra/grants does not read this policy: ${policy.error.message}`);
    const { PolicyDocument, Roles } = policy.data;
    for (const role of Roles) {
      const ofRole = grants.get(referredId(role) ?? '');
      if (!ofRole) throw new Error(`${id} is attached to a role of another template`);
      for (const { Action, Resource, Condition } of PolicyDocument.Statement) {
        const partitions = Condition?.['ForAllValues:StringLike']['dynamodb:LeadingKeys'];
        for (const one of [Resource].flat())
          add(ofRole, { ...resourceOf(one, names), ...(partitions ? { partitions } : {}) }, Action);
      }
    }
  }
  const withoutOwner = new Set(grants.keys());
  const ofOwners = (type: string, property: string) =>
    sorted(
      resourcesOf(template, type).map(([id, { Properties }]) => {
        const role = referredId(Properties[property]) ?? '';
        const found = [...(grants.get(role)?.values() ?? [])];
        withoutOwner.delete(role);
        return [nameOf(id, names), found.sort((a, b) => compare(keyOf(a), keyOf(b)))] as const;
      }),
    );
  const functions = ofOwners('AWS::Lambda::Function', 'Role');
  const machines = ofOwners('AWS::StepFunctions::StateMachine', 'RoleArn');
  if (withoutOwner.size > 0) {
    throw new Error(`infra/grants finds no function and no state machine of ${[...withoutOwner].join(', ')}`);
  }
  return { functions, machines, callers: callersOf(template, names) };
}

function refuseOtherForms(template: Template): void {
  for (const type of ['AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy']) {
    const [first] = resourcesOf(template, type);
    if (first) throw new Error(`${first[0]}: infra/grants does not read ${type}`);
  }
  for (const [id, { Properties }] of resourcesOf(template, 'AWS::IAM::Role')) {
    for (const property of ['ManagedPolicyArns', 'Policies']) {
      if (property in Properties) throw new Error(`${id}: infra/grants does not read ${property}`);
    }
  }
}

function add(grants: Map<string, Grant>, resource: Omit<Grant, 'actions'>, actions: readonly string[]): void {
  const key = keyOf(resource);
  const all = new Set([...(grants.get(key)?.actions ?? []), ...actions]);
  grants.set(key, { ...resource, actions: [...all].sort() });
}

function callersOf(template: Template, names: Names): Map<string, string[]> {
  const callers = new Map<string, string[]>();
  for (const [, { Properties }] of resourcesOf(template, 'AWS::Lambda::Permission')) {
    const { FunctionName, Principal } = permissionSchema.parse(Properties);
    const name = nameOf(referredId(FunctionName) ?? '', names);
    callers.set(Principal, [...new Set([...(callers.get(Principal) ?? []), name])].sort());
  }
  return sorted(callers);
}

/** Kind and plain name of each resource that has a plain name, by logical id. */
type Names = ReadonlyMap<string, { readonly kind: ResourceKind; readonly name: string }>;

const OUTPUT_KINDS: Readonly<Record<string, { kind: ResourceKind; ending: RegExp }>> = {
  'AWS::DynamoDB::GlobalTable': { kind: 'table', ending: /Table$/ },
  'AWS::StepFunctions::StateMachine': { kind: 'state machine', ending: /Arn$/ },
};
const mappingSchema = z.object({ EventSourceArn: z.unknown(), FunctionName: z.unknown() });

/**
 * Returns plain names that do not change with unrelated edits: for tables and state machines, the names of
 * the stack's outputs; for functions, the names of their entry points; for a queue, the last part of the name
 * of its consumer's entry point.
 */
function namesOf(template: Template): Names {
  const names = new Map<string, { kind: ResourceKind; name: string }>();
  for (const [output, { Value }] of Object.entries(template.Outputs)) {
    const id = referredId(Value) ?? '';
    const known = OUTPUT_KINDS[template.Resources[id]?.Type ?? ''];
    if (known) names.set(id, { kind: known.kind, name: kebabCase(output.replace(known.ending, '')) });
  }
  for (const [id, { Properties }] of resourcesOf(template, 'AWS::Lambda::Function')) {
    names.set(id, { kind: 'function', name: String(Properties['Description']).replace(`${HANDLERS}/`, '') });
  }
  for (const [, { Properties }] of resourcesOf(template, 'AWS::Lambda::EventSourceMapping')) {
    const { EventSourceArn, FunctionName } = mappingSchema.parse(Properties);
    const reader = nameOf(referredId(FunctionName) ?? '', names);
    names.set(referredId(EventSourceArn) ?? '', { kind: 'queue', name: reader.split('/').at(-1) ?? reader });
  }
  for (const [id, { Properties }] of resourcesOf(template, 'AWS::Logs::LogGroup')) {
    names.set(id, { kind: 'log', name: withoutStage(String(Properties['LogGroupName'])) });
  }
  return names;
}

/**
 * Returns the plain name of a resource. If there is none, returns the logical id without the hash that CDK
 * appends.
 */
const nameOf = (id: string, names: Names): string => names.get(id)?.name ?? id.replace(/[0-9A-F]{8}$/, '');

const joinSchema = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });
const selectSchema = z.object({
  'Fn::Select': z.tuple([z.unknown(), z.object({ 'Fn::Split': z.tuple([z.string(), z.unknown()]) })]),
});
/** Texts for the pseudo parameters in ARNs. Account and region are left out. */
const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': '',
  'AWS::AccountId': '',
};

/** Returns the text of an ARN, with `{id}` in place of each resource of the template. */
function arnText(value: unknown): string {
  if (typeof value === 'string') return value;
  const joined = joinSchema.safeParse(value).data?.['Fn::Join'];
  if (joined) return joined[1].map(arnText).join(joined[0]);
  // A part that `Fn::Select` takes from a resource's ARN, such as a state machine's name, stands for the
  // resource.
  const selected = selectSchema.safeParse(value).data?.['Fn::Select'][1]['Fn::Split'][1];
  if (selected !== undefined) return arnText(selected);
  const id = referredId(value);
  if (id === undefined) throw new Error(`infra/grants does not read this ARN: ${JSON.stringify(value)}`);
  return PSEUDO[id] ?? `{${id}}`;
}

function resourceOf(value: unknown, names: Names): Omit<Grant, 'actions'> {
  const arn = arnText(value);
  const { id, index } = /^\{(?<id>\w+)\}(?:\/index\/(?<index>.+))?$/.exec(arn)?.groups ?? {};
  if (id !== undefined) {
    const name = nameOf(id, names);
    return index === undefined
      ? { kind: names.get(id)?.kind ?? 'other', name }
      : { kind: 'index', name: `${name}/${index}` };
  }
  const [, machine] = /^arn:aws:states:::execution:\{(\w+)\}:\*$/.exec(arn) ?? [];
  if (machine !== undefined) return { kind: 'executions', name: nameOf(machine, names) };
  const [, path] = /^arn:aws:ssm:::parameter(\/.+)$/.exec(arn) ?? [];
  if (path !== undefined) return { kind: 'parameter', name: withoutStage(path) };
  return {
    kind: 'other',
    name: arn.replace(/^arn:aws:\w+:::/, '').replace(/\{(\w+)\}/g, (_, part: string) => nameOf(part, names)),
  };
}

const withoutStage = (path: string): string => path.replace(/^(\/fleetwright\/)[^/]+/, '$1<stage>');
export const keyOf = ({ kind, name, partitions }: Omit<Grant, 'actions'>): string =>
  [kind, name, ...(partitions ?? [])].join(' ');
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const kebabCase = (text: string): string =>
  text.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

function sorted<Value>(entries: Iterable<readonly [string, Value]>): Map<string, Value> {
  return new Map([...entries].sort(([a], [b]) => compare(a, b)));
}
