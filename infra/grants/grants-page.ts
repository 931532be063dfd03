import { STAGE_NAMES, type StageName } from '../settings/config.ts';
import type { Template } from '../template.ts';
import { markdownTable } from './markdown-table.ts';
import { type Grant, type Grants, keyOf, type ResourceKind, readGrants } from './read-grants.ts';

/**
 * Words that the page shows in place of groups of actions. The order matters: an action that one word covers
 * does not count for a later word.
 */
const WORDS: readonly (readonly [word: string, actions: readonly string[]])[] = [
  ['read', ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query']],
  [
    'write',
    [
      'dynamodb:BatchWriteItem',
      'dynamodb:ConditionCheckItem',
      'dynamodb:DeleteItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
    ],
  ],
  [
    'receive',
    [
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:ReceiveMessage',
    ],
  ],
  ['send', ['sqs:SendMessage']],
];
/** DynamoDB actions that change items of a table. */
const CHANGING = new Set([
  'dynamodb:BatchWriteItem',
  'dynamodb:DeleteItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
]);
const OWN_LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/**
 * Returns the grants page of this repository: the grants of stage `production` with all drivers, and the
 * differences of the other stages.
 */
export function grantsPageOfStages(
  templateOf: (stage: StageName, context: Readonly<Record<string, string>>) => Template,
): string {
  const others = STAGE_NAMES.filter((stage) => stage !== 'production').sort();
  return grantsPage(
    'production',
    readGrants(templateOf('production', { drivers: 'sim' })),
    new Map(others.map((stage) => [stage, readGrants(templateOf(stage, {}))])),
  );
}

/**
 * Returns the page that shows every grant of one stage, and the differences of other stages. Pure: the same templates
 * give the same text.
 */
export function grantsPage(
  stage: string,
  grants: Grants,
  others: ReadonlyMap<string, Grants> = new Map(),
): string {
  const roles = rolesOf(grants);
  const sections = [
    `# Grants

What each role of a deployment may do in AWS, for stage \`${stage}\` with all drivers. \`npm run grants\` writes this
page from the CloudFormation template, and \`npm test\` fails when it is not current. Each function and each state machine has a role
of its own, which is named here like the function or the state machine. A role that a table does not list has no right
to what the table shows.

Functions are named by their entry point below \`functions/entrypoints/handlers\`, tables and state machines by the
stack's outputs, queues by their driver. \`<stage>\` stands for the name of the stage. ARNs without an account and a
region belong to the deployment's account and region. Rights to clouds come with the credentials of connections, not
from these grants. The exception is the right of the driver \`aws\` to assume roles.`,
    `## Tables

${wordList(['read', 'write'])} Other rights are named by their action.

${matrix('function', roles, 'table', indexColumns(roles))}

The same by table:

${byTable(roles)}

"(some)" in the first table: only the partitions of this one. \`*\` stands for any text. IAM compares them with the
partition keys in a request (\`dynamodb:LeadingKeys\`).

${byPartition(roles)}`,
    `## Queues

${wordList(['receive', 'send'])}

${matrix('role', roles, 'queue')}`,
    `## Parameters

Parameters of SSM Parameter Store. Those below the name of a driver are credentials of connections, those below \`ssh\`
are private keys of fleets. \`deployment/beat\` is a counter and no secret.

${list(roles, ['parameter'])}`,
    `## State machines and functions

An execution is a run of a state machine. \`SendTask…\` answers a state that waits for a worker.

${list(roles, ['state machine', 'executions', 'function'])}

Services that a function's resource policy allows to call the function:

${markdownTable(
  ['service', 'functions'],
  [...grants.callers].map(([service, functions]) => [code(service), functions.map(code).join(', ')]),
)}`,
    `## Other services

${list(roles, ['other'])}

${logs(roles)}`,
    ...(others.size === 0 ? [] : [`## Other stages\n\n${differences(stage, grants, others)}`]),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

interface Role {
  readonly name: string;
  readonly grants: readonly Grant[];
}

function rolesOf({ functions, machines }: Grants): Role[] {
  return [
    ...[...functions].map(([name, grants]) => ({ name: code(name), grants })),
    ...[...machines].map(([name, grants]) => ({ name: `state machine ${code(name)}`, grants })),
  ];
}

const code = (text: string): string => `\`${text}\``;
const actionName = (action: string): string => action.replace(/^\w+:/, '');
const namesOfKind = (roles: readonly Role[], kind: ResourceKind): string[] =>
  [
    ...new Set(
      roles.flatMap(({ grants }) => grants.filter((one) => one.kind === kind).map(({ name }) => name)),
    ),
  ].sort();

/** Replaces each complete group of actions by its word. Other actions keep their names. */
export function inWords(actions: readonly string[]): string {
  const left = new Set(actions);
  const words = WORDS.flatMap(([word, meant]) => {
    if (!meant.every((action) => left.has(action))) return [];
    for (const action of meant) left.delete(action);
    return [word];
  });
  return [...words, ...[...left].map((action) => code(actionName(action)))].join(', ');
}

function wordList(words: readonly string[]): string {
  const meanings = words.map((word) => {
    const [, actions = []] = WORDS.find(([one]) => one === word) ?? [];
    const names = actions.map((action) => code(actionName(action)));
    return `"${word}" stands for ${names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : names[0]}`;
  });
  return wrapped(`${meanings.join('; ')}.`);
}

/** Marks rights that hold for some partitions of a table. */
const SOME = ' (some)';

interface Column {
  readonly title: string;
  readonly cellOf: (grants: readonly Grant[]) => string;
}

function matrix(
  title: string,
  roles: readonly Role[],
  kind: ResourceKind,
  further: readonly Column[] = [],
): string {
  const columns = [
    ...namesOfKind(roles, kind).map(
      (name): Column => ({
        title: name,
        cellOf: (grants) =>
          grants
            .filter((one) => one.kind === kind && one.name === name)
            .map(({ actions, partitions }) => `${inWords(actions)}${partitions ? SOME : ''}`)
            .sort()
            .join(', '),
      }),
    ),
    ...further,
  ];
  const rows = roles.map(({ name, grants }) => [name, ...columns.map(({ cellOf }) => cellOf(grants))]);
  const held = rows.filter(([, ...cells]) => cells.some((cell) => cell !== ''));
  return markdownTable([title, ...columns.map((column) => column.title)], held);
}

/**
 * Returns one column for the indexes of each table. If a role has different rights to the indexes of one
 * table, the cell names the indexes.
 */
function indexColumns(roles: readonly Role[]): Column[] {
  const all = namesOfKind(roles, 'index');
  const tables = [...new Set(all.map((name) => name.split('/')[0] ?? ''))];
  return tables.map((table) => {
    const indexes = all.filter((name) => name.startsWith(`${table}/`));
    return {
      title: `indexes of ${table}`,
      cellOf: (grants) => {
        const held = grants.filter(({ kind, name }) => kind === 'index' && indexes.includes(name));
        const actions = [...new Set(held.map((one) => inWords(one.actions)))];
        if (held.length === indexes.length && actions.length === 1) return actions.join();
        return held.map((one) => `${one.name.slice(table.length + 1)}: ${inWords(one.actions)}`).join('; ');
      },
    };
  });
}

function byTable(roles: readonly Role[]): string {
  const rows = namesOfKind(roles, 'table').map((table) => {
    const holders = roles.flatMap(({ name, grants }) => {
      const held = grants.filter((one) => one.kind === 'table' && one.name === table);
      if (held.length === 0) return [];
      return [{ name, isWriter: held.some(({ actions }) => actions.some((action) => CHANGING.has(action))) }];
    });
    const named = (isWriter: boolean) =>
      holders
        .filter((one) => one.isWriter === isWriter)
        .map(({ name }) => name)
        .join(', ');
    return [table, named(true), named(false)];
  });
  return markdownTable(['table', 'may be changed by', 'may only be read by'], rows);
}

/** Lists the grants that hold for some partitions of a table. */
function byPartition(roles: readonly Role[]): string {
  const rows = roles.flatMap(({ name, grants }) =>
    grants.flatMap((one) =>
      one.partitions ? [[name, one.name, inWords(one.actions), one.partitions.map(code).join(', ')]] : [],
    ),
  );
  return markdownTable(['function', 'table', 'rights', 'partitions'], rows);
}

/** Lists grants by role. Resources of one kind with the same actions share a line. */
function list(roles: readonly Role[], kinds: readonly ResourceKind[]): string {
  const rows = roles.flatMap(({ name, grants }) => {
    const lines = new Map<string, { kind: ResourceKind; resources: string[]; actions: string }>();
    for (const grant of grants.filter(({ kind }) => kinds.includes(kind))) {
      // Actions of kind `other` keep the prefix of their service. In every other section, the heading already names
      // the service.
      const actions = grant.actions.map((action) =>
        code(grant.kind === 'other' ? action : actionName(action)),
      );
      const line = { kind: grant.kind, resources: [], actions: actions.join(', ') };
      const key = `${line.kind} ${line.actions}`;
      const { resources } = lines.get(key) ?? line;
      lines.set(key, { ...line, resources: [...resources, code(grant.name)] });
    }
    return [...lines.values()].map(({ kind, resources, actions }) => [
      name,
      `${PREFIX[kind]}${resources.join(', ')}`,
      actions,
    ]);
  });
  return markdownTable(['role', 'resources', 'actions'], rows);
}

const PREFIX: Readonly<Record<ResourceKind, string>> = {
  table: '',
  index: '',
  queue: '',
  parameter: '',
  'state machine': 'state machine ',
  executions: 'executions of ',
  function: 'function ',
  log: '',
  other: '',
};

const PLURAL: Readonly<Record<ResourceKind, string>> = {
  table: 'tables',
  index: 'indexes',
  queue: 'queues',
  parameter: 'parameters',
  'state machine': 'state machines',
  executions: 'executions',
  function: 'functions',
  log: 'log groups',
  other: 'grants on other resources',
};

/**
 * Returns the text about rights to logs. Usually a function may write its own log and no other. Each role
 * with other rights gets a line.
 */
function logs(roles: readonly Role[]): string {
  const usual = roles.filter(({ name, grants }) => {
    const logGroups = grants.filter(({ kind }) => kind === 'log');
    const own = `/fleetwright/<stage>/${name.replaceAll('`', '').replaceAll('/', '-')}`;
    return (
      logGroups.length === 1 && logGroups[0]?.name === own && logGroups[0].actions.join() === OWN_LOG.join()
    );
  });
  const unusual = roles.filter(
    (role) => !usual.includes(role) && role.grants.some(({ kind }) => kind === 'log'),
  );
  const rest = unusual.length === 0 ? '' : `\n\n${list(unusual, ['log'])}`;
  const actions = OWN_LOG.map((action) => code(action)).join(' and ');
  return `${wrapped(`Each of ${usual.length} functions has ${actions} on its own log group and on no other.`)}${rest}`;
}

/** Returns the differences between the stage that the page shows and other stages. */
function differences(stage: string, grants: Grants, others: ReadonlyMap<string, Grants>): string {
  const paragraphs = [...others].map(([name, other]) => {
    const lines = [
      ...without(grants, other).map((what) => `does not have ${what}`),
      ...without(other, grants).map((what) => `has in addition ${what}`),
      ...changed(stage, grants, other),
    ];
    if (lines.length === 0) return `Stage ${code(name)} has the same grants as ${code(stage)}.`;
    return `Stage ${code(name)} differs from ${code(stage)}. All other grants are the same.\n\n${lines
      .map((line) => wrapped(`- It ${line}.`, '  '))
      .join('\n')}`;
  });
  return paragraphs.join('\n\n');
}

/** Lists, by kind, the roles and resources in `grants` that are not in `other`. */
function without(grants: Grants, other: Grants): string[] {
  const missing = (kind: ResourceKind, names: readonly string[], present: ReadonlySet<string>) => {
    const found = names.filter((name) => !present.has(name));
    return found.length === 0 ? [] : [`these ${PLURAL[kind]}: ${found.map(code).join(', ')}`];
  };
  const [roles, otherRoles] = [rolesOf(grants), rolesOf(other)];
  return [
    ...missing('function', [...grants.functions.keys()], new Set(other.functions.keys())),
    ...missing('state machine', [...grants.machines.keys()], new Set(other.machines.keys())),
    ...(['table', 'index', 'queue', 'parameter', 'other'] as const).flatMap((kind) =>
      missing(kind, namesOfKind(roles, kind), new Set(namesOfKind(otherRoles, kind))),
    ),
  ];
}

/** Lists the grants that differ between two stages although both stages have the role and the resource. */
function changed(stage: string, grants: Grants, other: Grants): string[] {
  const otherRoles = rolesOf(other);
  return rolesOf(grants).flatMap((role) => {
    const counterpart = otherRoles.find(({ name }) => name === role.name);
    if (!counterpart) return [];
    const either = new Map([...role.grants, ...counterpart.grants].map((grant) => [keyOf(grant), grant]));
    return [...either].flatMap(([key, grant]) => {
      if (!isKnown(grants, grant) || !isKnown(other, grant)) return [];
      const [here, there] = [role, counterpart].map((one) =>
        inWords(one.grants.find((held) => keyOf(held) === key)?.actions ?? []),
      );
      if (here === there) return [];
      const partitions = grant.partitions ? ` (partitions ${grant.partitions.map(code).join(', ')})` : '';
      const on = `${grant.kind} ${code(grant.name)}${partitions}`;
      return [
        `grants to ${role.name} on ${on}: ${there || 'nothing'}. Stage ${code(stage)} grants: ${here || 'nothing'}`,
      ];
    });
  });
}

/**
 * Returns true if a stage has the resource of a grant: the resource has a role of its own, or one of the
 * stage's roles may use the resource.
 */
function isKnown(grants: Grants, { kind, name }: Grant): boolean {
  switch (kind) {
    case 'function':
      return grants.functions.has(name);
    case 'state machine':
    case 'executions':
      return grants.machines.has(name);
    case 'table':
    case 'index':
    case 'queue':
    case 'parameter':
    case 'log':
    case 'other':
      return namesOfKind(rolesOf(grants), kind).includes(name);
  }
}

/** Breaks a paragraph into lines of at most 120 characters, the limit for Markdown in this repository. */
function wrapped(text: string, indent = ''): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= 120)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(last === undefined ? word : `${indent}${word}`);
  }
  return lines.join('\n');
}
