import type * as z from 'zod';
import { didYouMean } from './closest-word.ts';
import { fieldsAt, valueAt } from './schema-parts.ts';

type Issue = z.core.$ZodIssue;

/** What is wrong with a part of a value. */
export interface IssueError {
  path: PropertyKey[];
  /** Stable code, such as `missing` or `too-small`. */
  code: string;
  /** What is wrong, in words that follow the name of the part: `must be a number, and is text`. */
  message: string;
}

/**
 * Returns the issues of a failed parse in words, one for each unknown field.
 *
 * @param schema the schema that refused the value
 * @param value the refused value; a message proposes a known word in place of a mistyped one, and repeats nothing else
 */
export function issueErrors(error: z.ZodError, schema?: z.ZodType, value?: unknown): IssueError[] {
  return error.issues.flatMap((issue): IssueError[] => {
    if (issue.code !== 'unrecognized_keys')
      return [{ path: issue.path, code: issueCode(issue), message: issueText(issue, value) }];
    const known = schema === undefined ? [] : fieldsAt(schema, issue.path);
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      code: 'unrecognized-key',
      message: `is not a known field${didYouMean(key, known)}`,
    }));
  });
}

/** Returns the code of an issue. The code of a custom issue is in its `params.code`. */
export function issueCode(issue: Issue): string {
  if (issue.code === 'custom') {
    const code: unknown = issue.params?.['code'];
    return typeof code === 'string' ? code : 'invalid';
  }
  if (isMissing(issue)) return 'missing';
  // In the contract, a union lists the formats that a text may have. A value that matches no member has the
  // wrong format.
  if (issue.code === 'invalid_union') return 'invalid-format';
  return issue.code.replaceAll('_', '-');
}

const isMissing = (issue: Issue): boolean =>
  issue.code === 'invalid_type' && issue.message.endsWith('received undefined');

/** Matches the messages of zod. Schemas of this project have messages of their own that begin in lower case. */
const OF_ZOD = /^(Invalid|Too small|Too big|Unrecognized) ?/;

/** Returns a text for people that tells what is wrong. @param value the whole value that was refused */
export function issueText(issue: Issue, value?: unknown): string {
  if (!OF_ZOD.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return isMissing(issue) ? 'is missing' : typeText(issue);
    case 'too_small':
      return sizeText(issue.origin, issue.minimum, issue.exact ? 'exactly' : 'at least', issue.inclusive);
    case 'too_big':
      return sizeText(issue.origin, issue.maximum, issue.exact ? 'exactly' : 'at most', issue.inclusive);
    case 'invalid_value':
      return choiceText(issue.values, valueAt(value, issue.path));
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_union':
      return unionText(issue, value);
    case 'invalid_format':
      return `does not have the format ${issue.format}`;
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return `is not valid (${issueCode(issue)})`;
  }
}

/** Names of types, as a message about a wrong value says them. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map of fields',
  null: 'empty',
  nan: 'not a number',
};

function typeText({ expected, message }: Extract<Issue, { code: 'invalid_type' }>): string {
  const received = /received (\w+)$/.exec(message)?.[1]?.toLowerCase();
  const is = received === undefined ? undefined : TYPES[received];
  const must = `must be ${TYPES[expected] ?? expected}`;
  const isPart = expected === 'int' && received === 'number';
  return is === undefined || isPart ? must : `${must}, and is ${is}`;
}

/** What the parts of a value are called, by the kind of value. */
const PARTS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  array: ['item', 'items'],
  set: ['item', 'items'],
  object: ['field', 'fields'],
  record: ['field', 'fields'],
  map: ['field', 'fields'],
  file: ['byte', 'bytes'],
};

function sizeText(origin: string, limit: number | bigint, bound: string, inclusive?: boolean): string {
  const parts = PARTS[origin];
  if (!parts) {
    if (inclusive === false) return `must be ${bound === 'at most' ? 'less' : 'more'} than ${limit}`;
    return `must be ${bound} ${limit}`;
  }
  if (bound === 'at least' && Number(limit) === 1) return 'must not be empty';
  return `must have ${bound} ${limit} ${parts[Number(limit) === 1 ? 0 : 1]}`;
}

/** Most words that a message lists. */
const MOST_WORDS = 40;

function choiceText(values: readonly unknown[], given: unknown): string {
  const words = values.map(String);
  const shown = words.slice(0, MOST_WORDS).join(', ');
  const must = words.length === 1 ? `must be ${shown}` : `must be one of ${shown}`;
  const more = words.length > MOST_WORDS ? ', …' : '';
  return `${must}${more}${typeof given === 'string' ? didYouMean(given, words) : ''}`;
}

/**
 * Returns the text of a value that matches no member of a union. If the value has the type of one member only, the
 * errors of this member are told. Otherwise, each member is told in short.
 */
function unionText(issue: Extract<Issue, { code: 'invalid_union' }>, value: unknown): string {
  const within = valueAt(value, issue.path);
  const told = issue.errors.map((issues) =>
    issues.map((one) => {
      const text = issueText(one, within);
      return { isType: one.path.length === 0 && one.code === 'invalid_type', text: partText(one.path, text) };
    }),
  );
  const ofType = told.filter((issues) => issues.every(({ isType }) => !isType));
  if (ofType.length === 1) return (ofType[0] ?? []).map(({ text }) => text).join('; ');
  const texts = new Set(
    told.flatMap((issues) => (issues[0] ? [issues[0].text.replace(/, and is .*/, '')] : [])),
  );
  return texts.size === 0 ? 'is not valid' : [...texts].join(', or ');
}

const partText = (path: readonly PropertyKey[], text: string): string =>
  path.length === 0 ? text : `its part ${path.map(String).join('.')} ${text}`;
