import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { grantsPage, grantsPageOfStages, inWords } from '../../infra/grants/grants-page.ts';
import { readGrants } from '../../infra/grants/read-grants.ts';
import { type Template, templateSchema } from '../../infra/template.ts';
import { functionsOf, rawTemplateOf, templateOf } from './synthesized.ts';

const READ = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'];
const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const local = (service: string, resource: string) => ({
  'Fn::Join': [
    '',
    [
      'arn:',
      { Ref: 'AWS::Partition' },
      `:${service}:`,
      { Ref: 'AWS::Region' },
      ':',
      { Ref: 'AWS::AccountId' },
      `:${resource}`,
    ],
  ],
});

/**
 * Returns a template with one function, its role, a policy of `statements`, and the resources that the
 * statements name.
 */
function templateWith(statements: readonly object[], further: Record<string, object> = {}): Template {
  return templateSchema.parse({
    Resources: {
      DataFleetsTable0000AAAA: { Type: 'AWS::DynamoDB::GlobalTable' },
      MachineABCD1234: {
        Type: 'AWS::StepFunctions::StateMachine',
        Properties: { RoleArn: arn('MachineRole') },
      },
      MachineRole: { Type: 'AWS::IAM::Role' },
      Queue0000BBBB: { Type: 'AWS::SQS::Queue' },
      Reader: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { EventSourceArn: arn('Queue0000BBBB'), FunctionName: { Ref: 'Worker0000CCCC' } },
      },
      Worker0000CCCC: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          Description: 'functions/entrypoints/handlers/drivers/acme',
          Role: arn('WorkerRole'),
        },
      },
      WorkerRole: { Type: 'AWS::IAM::Role' },
      WorkerPolicy: {
        Type: 'AWS::IAM::Policy',
        Properties: { PolicyDocument: { Statement: statements }, Roles: [{ Ref: 'WorkerRole' }] },
      },
      ...further,
    },
    Outputs: {
      FleetsTable: { Value: { Ref: 'DataFleetsTable0000AAAA' } },
      ProvisionFleetArn: { Value: { Ref: 'MachineABCD1234' } },
    },
  });
}

const allow = (Action: string | string[], Resource: unknown) => ({ Effect: 'Allow', Action, Resource });
const grantsOfWorker = (...statements: object[]) =>
  readGrants(templateWith(statements)).functions.get('drivers/acme');

describe('readGrants', () => {
  it('readGrants names each resource in plain words, and joins the actions of all statements about the resource', () => {
    const table = arn('DataFleetsTable0000AAAA');
    const index = { 'Fn::Join': ['', [table, '/index/bySite']] };
    const machineName = { 'Fn::Select': [6, { 'Fn::Split': [':', { Ref: 'MachineABCD1234' }] }] };
    const executions = { 'Fn::Join': ['', ['arn:aws:states:::execution:', machineName, ':*']] };
    expect(
      grantsOfWorker(
        allow(['dynamodb:Query', 'dynamodb:GetItem'], [table, index]),
        allow('dynamodb:PutItem', table),
        allow('sqs:SendMessage', arn('Queue0000BBBB')),
        allow('states:DescribeExecution', executions),
        allow('ssm:GetParameter', local('ssm', 'parameter/fleetwright/production/acme/*')),
        allow('events:PutEvents', local('events', 'event-bus/default')),
        allow('sts:AssumeRole', 'arn:aws:iam::*:role/fleetwright-*'),
      ),
    ).toEqual([
      { kind: 'executions', name: 'provision-fleet', actions: ['states:DescribeExecution'] },
      { kind: 'index', name: 'fleets/bySite', actions: ['dynamodb:GetItem', 'dynamodb:Query'] },
      { kind: 'other', name: 'arn:aws:iam::*:role/fleetwright-*', actions: ['sts:AssumeRole'] },
      { kind: 'other', name: 'event-bus/default', actions: ['events:PutEvents'] },
      { kind: 'parameter', name: '/fleetwright/<stage>/acme/*', actions: ['ssm:GetParameter'] },
      { kind: 'queue', name: 'acme', actions: ['sqs:SendMessage'] },
      { kind: 'table', name: 'fleets', actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'] },
    ]);
  });

  it('readGrants refuses grants that the page cannot show, for example a grant with a condition', () => {
    const conditional = { ...allow('sqs:SendMessage', '*'), Condition: { Bool: {} } };
    expect(() => grantsOfWorker(conditional)).toThrow('WorkerPolicy: infra/grants does not read this policy');
    expect(() => grantsOfWorker({ ...allow('sqs:SendMessage', '*'), Effect: 'Deny' })).toThrow(
      'WorkerPolicy',
    );
    expect(() => grantsOfWorker(allow('sqs:SendMessage', { 'Fn::Sub': 'arn' }))).toThrow('{"Fn::Sub":"arn"}');
    const withRole = (Properties: object) =>
      readGrants(templateWith([], { WorkerRole: { Type: 'AWS::IAM::Role', Properties } }));
    expect(() => withRole({ ManagedPolicyArns: [] })).toThrow(
      'WorkerRole: infra/grants does not read Managed',
    );
    const withOther = (Type: string) => readGrants(templateWith([], { Other: { Type, Properties: {} } }));
    expect(() => withOther('AWS::IAM::ManagedPolicy')).toThrow('Other: infra/grants does not read');
    expect(() => withOther('AWS::IAM::Role')).toThrow('no function and no state machine of Other');
  });
});

describe('grantsPage', () => {
  const table = arn('DataFleetsTable0000AAAA');
  const production = templateWith([
    allow([...READ, 'dynamodb:PutItem'], table),
    allow('sqs:SendMessage', arn('Queue0000BBBB')),
  ]);
  const page = grantsPage('production', readGrants(production));

  it('the grants page lists the grants of each function, and the readers and writers of each table', () => {
    expect(page).toContain(
      [
        '| function       | fleets          |',
        '| -------------- | --------------- |',
        '| `drivers/acme` | read, `PutItem` |',
      ].join('\n'),
    );
    expect(page).toContain('| fleets | `drivers/acme`    |                     |');
  });

  it('the grants page stays the same if CDK appends other hashes to logical ids', () => {
    const text = JSON.stringify(production)
      .replaceAll('0000AAAA', '1111DDDD')
      .replaceAll('ABCD1234', '99990000');
    expect(text).not.toBe(JSON.stringify(production));
    expect(grantsPage('production', readGrants(templateSchema.parse(JSON.parse(text))))).toBe(page);
  });

  it('the grants page lists how the grants of another stage differ', () => {
    const dev = templateWith([allow(READ, table)]);
    const differences = grantsPage('production', readGrants(production), new Map([['dev', readGrants(dev)]]));
    expect(differences.split('## Other stages\n\n')[1]).toBe(
      [
        'Stage `dev` differs from `production`. All other grants are the same.',
        '',
        '- It does not have these queues: `acme`.',
        '- It grants to `drivers/acme` on table `fleets`: read. Stage `production` grants: read, `PutItem`.',
        '',
      ].join('\n'),
    );
  });

  it('inWords writes the three read actions together as `read`, and any other action by its name', () => {
    expect(inWords([...READ, 'dynamodb:ConditionCheckItem'])).toBe('read, `ConditionCheckItem`');
    expect(inWords(['dynamodb:GetItem'])).toBe('`GetItem`');
  });
});

it('docs/operations/grants.md lists the current grants; if not, run `npm run grants`', () => {
  const written = readFileSync(new URL('../../docs/operations/grants.md', import.meta.url), 'utf8');
  expect(written).toBe(grantsPageOfStages((stage, context) => rawTemplateOf(stage, { ...context })));
});

it('the grants page shows a permission that the test adds to a role of the real stack', () => {
  const dev = templateOf('dev');
  const further = {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyDocument: { Statement: [allow('dynamodb:Scan', '*')] },
      Roles: [functionsOf(dev).get('schedules/watch')?.resource.Properties['Role']],
    },
  };
  const pageWith = (resources: Template['Resources']) =>
    grantsPage('dev', readGrants({ ...dev, Resources: { ...dev.Resources, ...resources } }));
  expect(pageWith({})).not.toContain('Scan');
  expect(pageWith({ Further: further })).toMatch(/\| `schedules\/watch` +\| `\*` +\| `dynamodb:Scan` +\|/);
});
