import * as z from 'zod';

/**
 * Any JSON value. The schemas of this file describe the part of the Amazon States Language, with JSONata,
 * that the shipped definitions use. The schemas of objects are strict: an unknown field is refused, because
 * AWS may act on it.
 */
export const jsonSchema = z.json();
export type Json = z.infer<typeof jsonSchema>;

/** Checks a value as `jsonSchema` does, but faster. The interpreter checks the value of each expression. */
export function isJson(value: unknown): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return typeof value === 'object' && Object.values(value).every(isJson);
}

const comment = { Comment: z.string().optional() };
const onward = { Next: z.string().optional(), End: z.literal(true).optional() };
const expressionSchema = z.string().regex(/^\{%.*%\}$/s);
const numberOrExpressionSchema = z.union([z.int().nonnegative(), expressionSchema]);

const retrierSchema = z.strictObject({
  ...comment,
  ErrorEquals: z.array(z.string()).min(1),
  IntervalSeconds: z.int().positive().default(1),
  BackoffRate: z.number().min(1).default(2),
  MaxAttempts: z.int().nonnegative().default(3),
  MaxDelaySeconds: z.int().positive().optional(),
  JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
});
export type Retrier = z.infer<typeof retrierSchema>;

const catcherSchema = z.strictObject({
  ...comment,
  ErrorEquals: z.array(z.string()).min(1),
  Output: jsonSchema.optional(),
  Next: z.string(),
});
export type Catcher = z.infer<typeof catcherSchema>;

const recovery = { Retry: z.array(retrierSchema).optional(), Catch: z.array(catcherSchema).optional() };

export const RESOURCES = {
  lambda: 'arn:aws:states:::lambda:invoke',
  callback: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
  child: 'arn:aws:states:::states:startExecution.sync:2',
  start: 'arn:aws:states:::states:startExecution',
} as const;

const taskSchema = z.strictObject({
  ...comment,
  ...onward,
  ...recovery,
  Type: z.literal('Task'),
  Resource: z.enum(RESOURCES),
  Arguments: jsonSchema,
  Output: jsonSchema.optional(),
  TimeoutSeconds: numberOrExpressionSchema.optional(),
  HeartbeatSeconds: numberOrExpressionSchema.optional(),
});
export type TaskState = z.infer<typeof taskSchema>;

const passSchema = z.strictObject({
  ...comment,
  ...onward,
  Type: z.literal('Pass'),
  Output: jsonSchema.optional(),
});
const waitSchema = z.strictObject({
  ...comment,
  ...onward,
  Type: z.literal('Wait'),
  Seconds: numberOrExpressionSchema,
});
const choiceSchema = z.strictObject({
  ...comment,
  Type: z.literal('Choice'),
  Choices: z.array(z.strictObject({ ...comment, Condition: expressionSchema, Next: z.string() })).min(1),
  Default: z.string().optional(),
});
export type ChoiceState = z.infer<typeof choiceSchema>;
const succeedSchema = z.strictObject({ ...comment, Type: z.literal('Succeed') });
const failSchema = z.strictObject({
  ...comment,
  Type: z.literal('Fail'),
  Error: z.string(),
  Cause: z.string().optional(),
});

/**
 * A first state and the states that follow it: those of a whole state machine, or of a Map's item processor.
 */
export interface StateGraph {
  StartAt: string;
  States: Record<string, State>;
}

const mapFieldsSchema = z.strictObject({
  ...comment,
  ...onward,
  ...recovery,
  Type: z.literal('Map'),
  Items: expressionSchema,
  MaxConcurrency: numberOrExpressionSchema.default(0),
  ItemSelector: jsonSchema.optional(),
  Output: jsonSchema.optional(),
});
export interface MapState extends z.infer<typeof mapFieldsSchema> {
  ItemProcessor: StateGraph & { ProcessorConfig: { Mode: 'INLINE' } };
}

export type State =
  | TaskState
  | MapState
  | ChoiceState
  | z.infer<typeof passSchema>
  | z.infer<typeof waitSchema>
  | z.infer<typeof succeedSchema>
  | z.infer<typeof failSchema>;

const statesSchema: z.ZodType<Record<string, State>> = z.lazy(() => z.record(z.string(), stateSchema));
const stateSchema = z
  .discriminatedUnion('Type', [
    taskSchema,
    mapFieldsSchema.extend({
      ItemProcessor: z.strictObject({
        ProcessorConfig: z.strictObject({ Mode: z.literal('INLINE') }),
        StartAt: z.string(),
        States: statesSchema,
      }),
    }),
    passSchema,
    waitSchema,
    choiceSchema,
    succeedSchema,
    failSchema,
  ])
  .refine(
    (state) =>
      isLast(state.Type) ||
      ('Next' in state && state.Next !== undefined) !== ('End' in state && state.End !== undefined),
    'must have either Next or End',
  );

function isLast(type: State['Type']): boolean {
  return type === 'Choice' || type === 'Succeed' || type === 'Fail';
}

const machineSchema = z.strictObject({
  ...comment,
  QueryLanguage: z.literal('JSONata'),
  TimeoutSeconds: z.int().positive(),
  StartAt: z.string(),
  States: statesSchema,
});
export type MachineDefinition = z.infer<typeof machineSchema>;

/**
 * Replaces the substitutions in the text of a definition file as CloudFormation does.
 *
 * @param substitutions values of the `${Token}`s in the text
 * @throws Error if a token has no value
 */
export function substitute(text: string, substitutions: Record<string, string>): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, token: string) => {
    const value = substitutions[token];
    if (value === undefined) throw new Error(`the substitution ${token} has no value`);
    return value;
  });
}

/**
 * Parses the text of a definition file.
 *
 * @param substitutions values of the `${Token}`s in the text
 * @throws Error if a token has no value, a field is unknown, a state does not exist, or a state cannot be
 *   reached
 */
export function parseDefinition(text: string, substitutions: Record<string, string>): MachineDefinition {
  const filled = substitute(text, substitutions);
  const machine = machineSchema.parse(JSON.parse(filled));
  checkTransitions(machine);
  return machine;
}

/** Returns the names of the states that may follow a state. */
export function successors(state: State): string[] {
  const caught = 'Catch' in state ? (state.Catch ?? []).map(({ Next }) => Next) : [];
  if (state.Type === 'Choice') {
    return [
      ...state.Choices.map(({ Next }) => Next),
      ...(state.Default === undefined ? [] : [state.Default]),
    ];
  }
  return 'Next' in state && state.Next !== undefined ? [state.Next, ...caught] : caught;
}

/** Checks that every target of a state is in the same graph, and that every state can be reached. */
function checkTransitions({ StartAt, States }: StateGraph): void {
  const reached = new Set<string>();
  const visit = (name: string) => {
    const state = States[name];
    if (!state) throw new Error(`the state ${name} does not exist`);
    if (reached.has(name)) return;
    reached.add(name);
    for (const next of successors(state)) visit(next);
    if (state.Type === 'Map') checkTransitions(state.ItemProcessor);
  };
  visit(StartAt);
  const lost = Object.keys(States).filter((name) => !reached.has(name));
  if (lost.length > 0) throw new Error(`states that are never reached: ${lost.join(', ')}`);
}
