import { describe, expect, it } from 'vitest';
import { REGISTERED_DRIVERS } from '../../functions/drivers/registry.ts';
import { resourcesOf } from '../../infra/template.ts';
import { functionsOf, grantsOf, templateOfAllDrivers } from './synthesized.ts';

const template = templateOfAllDrivers();
const functions = functionsOf(template);

const READ = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'];
const WRITE = [
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:DeleteItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
];
const READ_CHECK = [...READ, 'dynamodb:ConditionCheckItem'].sort();
const READ_WRITE = [...READ, ...WRITE].sort();
const CONSUME = [
  'sqs:ChangeMessageVisibility',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:GetQueueUrl',
  'sqs:ReceiveMessage',
];
const ANSWER = ['states:SendTaskFailure', 'states:SendTaskHeartbeat', 'states:SendTaskSuccess'];

const machine = (name: string) =>
  `arn:aws:states:us-east-1:123456789012:stateMachine:Workflows${name}Machine`;
const executions = (name: string) =>
  `arn:aws:states:us-east-1:123456789012:execution:Workflows${name}Machine:*`;
const secret = (folder: string) =>
  `arn:aws:ssm:us-east-1:123456789012:parameter/fleetwright/production/${folder}/*`;
const BEAT = 'arn:aws:ssm:us-east-1:123456789012:parameter/fleetwright/production/deployment/beat';
const fleets = (actions: string[]) => ({
  DataFleetsTable: actions,
  'DataFleetsTable/index/byActivity': ['dynamodb:Query'],
  'DataFleetsTable/index/byNamespace': ['dynamodb:Query'],
  'DataFleetsTable/index/bySite': ['dynamodb:Query'],
});

/** What a function needs that appends to the audit log. */
const APPEND = {
  'DataAuditTable of LOGS': READ,
  'DataAuditTable of LOG#* LOGS': ['dynamodb:PutItem'],
};
/** What an API function needs that appends to the audit log, and notes acts under way. */
const AUDITED = {
  'DataAuditTable of LOGS': READ,
  'DataAuditTable of LOG#* LOGS OPEN#*': ['dynamodb:PutItem'],
  'DataAuditTable of OPEN#*': ['dynamodb:DeleteItem'],
};

const drivers = REGISTERED_DRIVERS.map(({ name }) => name);
const queueOf = (driver: string) => `Queues${driver.replaceAll('-', '')}Queue`;
const everyQueue = (actions: string[]) =>
  Object.fromEntries(drivers.map((driver) => [queueOf(driver), actions]));
const everySecret = (actions: string[]) =>
  Object.fromEntries(drivers.map((driver) => [secret(driver), actions]));

/** Permissions that only the functions of some drivers have. */
const FURTHER: Record<string, Record<string, string[]>> = {
  aws: { 'arn:aws:iam::*:role/fleetwright-*': ['sts:AssumeRole'] },
};
const driverFunctions = Object.fromEntries(
  drivers.map((driver) => [
    `drivers/${driver}`,
    {
      ...fleets(READ),
      ...APPEND,
      [`DataFleetsTable of FLEET#* HOLD#${driver}/* INST#* NET#* ORPHAN#${driver}/* RANGES#* SHARED#${driver}/* SHARED-GONE#${driver}/* SWEEP#* VOL#${driver}/*`]:
        WRITE,
      [`DataGovernorTable of CALL#${driver}/* CONN#${driver}/* HEALTH#${driver}/* LOOP#${driver} QUEUE#${driver}/*`]:
        READ_WRITE,
      [`DataCatalogueTable of CATALOGUE#${driver}/*`]: READ_WRITE,
      [`DataAccessTable of ABANDONED-SECRETS CONNECTIONS#${driver}`]: READ,
      [`DataAccessTable of CONNECTIONS#${driver}`]: WRITE,
      [queueOf(driver)]: [...CONSUME, 'sqs:SendMessage'],
      [secret(driver)]: ['ssm:GetParameter'],
      [BEAT]: ['ssm:GetParameter'],
      'arn:aws:events:us-east-1:123456789012:event-bus/default': ['events:PutEvents'],
      [machine('provisionfleet')]: ANSWER,
      [machine('terminatefleet')]: ANSWER,
      ...FURTHER[driver],
    },
  ]),
);

/** All permissions of each function, except the permissions to write its log. */
const ALLOWED: Record<string, Record<string, string[]>> = {
  'api/fleets': {
    ...AUDITED,
    ...fleets(READ_WRITE),
    DataCatalogueTable: READ,
    DataAccessTable: READ_CHECK,
    DataGovernorTable: READ,
    [machine('provisionfleet')]: ['states:StartExecution'],
    [machine('terminatefleet')]: ['states:StartExecution'],
  },
  'api/resources': {
    ...AUDITED,
    ...fleets(READ_WRITE),
    DataAccessTable: READ_CHECK,
    ...everyQueue(['sqs:SendMessage']),
  },
  'api/connections': {
    ...AUDITED,
    ...fleets(READ_CHECK),
    'DataFleetsTable of RANGES#*': ['dynamodb:PutItem'],
    'DataFleetsTable of VOL#*': ['dynamodb:DeleteItem'],
    DataAccessTable: READ,
    'DataAccessTable of ABANDONED-SECRETS CONNECTIONS#* NAMESPACES SHARES#*': WRITE,
    DataCatalogueTable: READ_WRITE,
    DataGovernorTable: [...READ, 'dynamodb:PutItem'].sort(),
    ...everyQueue(['sqs:SendMessage']),
    ...everySecret(['ssm:DeleteParameter', 'ssm:PutParameter']),
  },
  'api/catalogue': { ...AUDITED, DataCatalogueTable: READ, DataAccessTable: READ },
  'api/access': {
    ...AUDITED,
    'DataAuditTable of LOG#* LOGS': READ,
    ...fleets(READ),
    'DataFleetsTable of RANGES#*': ['dynamodb:PutItem'],
    DataAccessTable: READ_WRITE,
  },
  ...driverFunctions,
  'steps/assign': {
    ...fleets(READ_WRITE),
    DataAccessTable: READ,
    [secret('ssh')]: ['ssm:DeleteParameter', 'ssm:PutParameter'],
  },
  'deployment/claim-id': {
    ...fleets(READ),
    'DataFleetsTable of DEPLOYMENT': ['dynamodb:PutItem'],
    'DataAccessTable of CONNECTIONS': READ,
  },
  'steps/settle': {
    ...fleets(READ_WRITE),
    DataHistoryTable: READ_WRITE,
    [machine('terminatefleet')]: ['states:StartExecution'],
  },
  'steps/begin-termination': { ...fleets(READ_WRITE), ...APPEND, DataAccessTable: READ },
  'steps/finish-termination': { ...fleets(READ_WRITE), [secret('ssh')]: ['ssm:DeleteParameter'] },
  'schedules/watch': { DataGovernorTable: READ_WRITE, ...everyQueue(['sqs:SendMessage']) },
  'schedules/reconcile': {
    ...fleets(READ_WRITE),
    'DataAuditTable of LOGS OPEN#*': READ,
    'DataAuditTable of LOG#* LOGS': ['dynamodb:PutItem'],
    'DataAuditTable of OPEN#*': ['dynamodb:DeleteItem'],
    [BEAT]: ['ssm:GetParameter', 'ssm:PutParameter'],
    [machine('provisionfleet')]: ['states:StartExecution'],
    [machine('terminatefleet')]: ['states:StartExecution'],
    [executions('provisionfleet')]: ['states:DescribeExecution'],
    [executions('terminatefleet')]: ['states:DescribeExecution'],
  },
  'schedules/finish-changes': {
    ...fleets(READ),
    'DataFleetsTable of RANGES#*': ['dynamodb:PutItem'],
    'DataFleetsTable of VOL#*': ['dynamodb:DeleteItem'],
    'DataAccessTable of ABANDONED-SECRETS CONNECTIONS#* NAMESPACES SHARES#*': READ_WRITE,
    DataCatalogueTable: READ_WRITE,
    ...everySecret(['ssm:DeleteParameter']),
  },
  'streams/export-audit': {
    'DataAuditTable of EXPORTED#*': [...READ, 'dynamodb:PutItem'].sort(),
    'AuditExportBucket/audit/*': ['s3:PutObject'],
    DataAuditTable: [
      'dynamodb:DescribeStream',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
    ],
  },
  'schedules/schedule-inventory': { DataAccessTable: READ, ...everyQueue(['sqs:SendMessage']) },
  'schedules/schedule-sweeps': { DataAccessTable: READ, ...everyQueue(['sqs:SendMessage']) },
};

describe('grants of functions', () => {
  it('ALLOWED lists every function', () => {
    expect([...functions.keys()].sort()).toEqual(Object.keys(ALLOWED).sort());
  });

  it.each(Object.keys(ALLOWED))(
    'function %s has exactly the permissions in ALLOWED and those to write its log',
    (entry) => {
      const grants = grantsOf(template, functions.get(entry)?.resource.Properties['Role']);
      const logs = Object.keys(grants).filter((name) => name.endsWith('Log'));
      expect(logs.map((name) => grants[name])).toEqual([['logs:CreateLogStream', 'logs:PutLogEvents']]);
      const rest = Object.fromEntries(Object.entries(grants).filter(([name]) => !logs.includes(name)));
      expect(rest).toEqual(ALLOWED[entry]);
    },
  );

  it('no role has the properties `ManagedPolicyArns` or `Policies`, which the other tests do not read', () => {
    for (const [id, role] of resourcesOf(template, 'AWS::IAM::Role')) {
      expect(Object.keys(role.Properties), id).not.toContain('ManagedPolicyArns');
      expect(Object.keys(role.Properties), id).not.toContain('Policies');
    }
  });

  it('no function may both write and read a secret', () => {
    for (const [entry, { resource }] of functions) {
      const grants = Object.entries(grantsOf(template, resource.Properties['Role']));
      // BEAT is not a secret, so a function may both read and write it.
      const actions = grants.filter(([name]) => name !== BEAT).flatMap(([, allowed]) => allowed);
      const both = actions.includes('ssm:GetParameter') && actions.includes('ssm:PutParameter');
      expect(both, entry).toBe(false);
    }
  });
});

describe('grants of roles', () => {
  const roles = resourcesOf(template, 'AWS::IAM::Role').map(([id]) => id);

  it('no role may update the table of the audit log, or delete anything of it but notes of acts under way', () => {
    for (const role of roles) {
      for (const [name, actions] of Object.entries(grantsOf(template, { Ref: role }))) {
        if (!name.startsWith('DataAuditTable')) continue;
        const harmful = actions.filter((action) => /:(Update|Delete|BatchWrite)Item$/.test(action));
        const isOpen = name === 'DataAuditTable of OPEN#*';
        expect(harmful, `${role}: ${name}`).toEqual(isOpen ? ['dynamodb:DeleteItem'] : []);
      }
    }
  });

  it('no role may use a wildcard action, scan a table or delete a table', () => {
    for (const role of roles) {
      const actions = Object.values(grantsOf(template, { Ref: role })).flat();
      expect(
        actions.filter((action) => /\*|:Scan$|:DeleteTable$|:PartiQL/.test(action)),
        role,
      ).toEqual([]);
    }
  });

  it("a resource ARN contains `*` only for the project's parameters, executions and roles, and is `*` only if AWS supports nothing else", () => {
    // For these actions, which log delivery needs, AWS supports no resource except `*`:
    // docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    const unscoped =
      /^logs:(\w+LogDelivery|ListLogDeliveries|\w+ResourcePolicy|\w+ResourcePolicies|DescribeLogGroups)$/;
    for (const role of roles) {
      for (const [named, actions] of Object.entries(grantsOf(template, { Ref: role }))) {
        const [resource = ''] = named.split(' of ');
        if (resource === '*') {
          expect(
            actions.filter((action) => !unscoped.test(action)),
            role,
          ).toEqual([]);
        } else if (resource.includes('*')) {
          expect(resource, role).toMatch(
            /:parameter\/fleetwright\/production\/[\w-]+\/\*$|:execution:\S+:\*$|^arn:aws:iam::\*:role\/fleetwright-\*$|^AuditExportBucket\/audit\/\*$/,
          );
        }
      }
    }
  });
});
