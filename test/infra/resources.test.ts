import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { metricOf } from '../../functions/features/findings/metric.ts';
import { SWEEP_HELD } from '../../functions/features/sweeps/tell-hold.ts';
import { CALL_LIMITS } from '../../functions/platform/runtime/aws-clients.ts';
import { claimMsOf } from '../../functions/platform/worker/context.ts';
import { hasPointInTimeRecovery } from '../../infra/idle-cost.ts';
import { type StageName, stageFromContext } from '../../infra/settings/config.ts';
import { type Resource, referredId, resourcesOf, type Template } from '../../infra/template.ts';
import { deployed, functionsOf, nameOf, synthesizeWith, templateOf } from './synthesized.ts';

const production = templateOf('production');
const dev = templateOf('dev');
const local = templateOf('local');

const driversOf = (stage: StageName) =>
  stageFromContext((key) => (key === 'stage' ? stage : undefined)).drivers;
const deployedDrivers = driversOf('production');
/** Returns a driver's name as CDK writes it in a logical id. */
const idOf = (driver: string) => driver.replaceAll('-', '');

const property = (resource: Resource, name: string): unknown => resource.Properties[name];

describe('queues of the stack', () => {
  const queues = resourcesOf(production, 'AWS::SQS::Queue');
  const redriveSchema = z.object({ deadLetterTargetArn: z.unknown(), maxReceiveCount: z.literal(10) });
  const work = queues.filter(([, queue]) => property(queue, 'RedrivePolicy') !== undefined);
  const deadLetterIds = work.map(([, queue]) =>
    referredId(redriveSchema.parse(property(queue, 'RedrivePolicy')).deadLetterTargetArn),
  );

  it('each driver has one queue for work and one for dead letters', () => {
    expect(work.map(([id]) => nameOf(id))).toEqual(
      deployedDrivers.map((driver) => `Queues${idOf(driver)}Queue`),
    );
    expect(new Set(deadLetterIds).size).toBe(deployedDrivers.length);
    expect(queues.length).toBe(2 * deployedDrivers.length);
  });

  it('every queue is encrypted, keeps messages for 14 days and refuses plain HTTP', () => {
    const refusals = resourcesOf(production, 'AWS::SQS::QueuePolicy').filter(([, policy]) =>
      JSON.stringify(policy).includes('"aws:SecureTransport":"false"'),
    );
    const refusing = refusals.flatMap(([, policy]) =>
      z.array(z.unknown()).parse(property(policy, 'Queues')).map(referredId),
    );
    for (const [id, queue] of queues) {
      expect(queue.Properties).toMatchObject({
        SqsManagedSseEnabled: true,
        MessageRetentionPeriod: 14 * 86_400,
      });
      expect(refusing).toContain(id);
    }
  });

  it('each driver has an alarm on dead letters in every stage on AWS', () => {
    for (const [stage, template] of [
      ['dev', dev],
      ['production', production],
    ] as const) {
      const watched = resourcesOf(template, 'AWS::CloudWatch::Alarm')
        .map(([, alarm]) => JSON.stringify(alarm.Properties['Dimensions'] ?? ''))
        .filter((text) => text.includes('DeadLetters'));
      expect(watched).toHaveLength(driversOf(stage).length);
    }
  });

  it("a queue's visibility timeout is the worker's time limit plus ten seconds, and equals `claimMsOf` of that time limit", () => {
    for (const [stage, template] of [
      ['local', local],
      ['dev', dev],
      ['production', production],
    ] as const) {
      for (const driver of driversOf(stage)) {
        const worker = functionsOf(template).get(`drivers/${driver}`)?.resource;
        const [, queue] = resourcesOf(template, 'AWS::SQS::Queue').find(
          ([id]) => nameOf(id) === `Queues${idOf(driver)}Queue`,
        ) ?? ['', undefined];
        const workerSeconds = z.number().parse(worker?.Properties['Timeout']);
        const hiddenMs = 1_000 * z.number().parse(queue?.Properties['VisibilityTimeout']);
        expect(hiddenMs).toBe(1_000 * (workerSeconds + 10));
        expect(hiddenMs).toBe(claimMsOf({ timeLimitMs: 1_000 * workerSeconds }));
      }
    }
  });

  it('Lambda repeats only the failed messages of a batch, and does not wait for a full batch', () => {
    const mappings = resourcesOf(production, 'AWS::Lambda::EventSourceMapping');
    expect(mappings).toHaveLength(deployedDrivers.length);
    for (const [, { Properties }] of mappings) {
      expect(Properties).toMatchObject({
        BatchSize: 10,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ScalingConfig: { MaximumConcurrency: 100 },
      });
      expect(Properties).not.toHaveProperty('MaximumBatchingWindowInSeconds');
    }
  });

  it("Lambda's detection of recursive loops is off for the workers, which send messages to their own queue", () => {
    for (const driver of deployedDrivers) {
      const worker = functionsOf(production).get(`drivers/${driver}`);
      expect(worker?.resource.Properties['RecursiveLoop']).toBe('Allow');
    }
  });
});

describe('tables of the stack', () => {
  const tablesOf = (template: Template) => resourcesOf(template, 'AWS::DynamoDB::GlobalTable');

  it("every table is billed on demand, has a time-to-live attribute, and is encrypted with DynamoDB's own key", () => {
    expect(tablesOf(production)).toHaveLength(6);
    for (const [, { Properties }] of tablesOf(production)) {
      expect(Properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        // False selects the key that DynamoDB owns. DynamoDB encrypts every table.
        SSESpecification: { SSEEnabled: false },
      });
    }
  });

  it('only production keeps tables when the stack is deleted, recovers them to a point in time, and protects them from deletion', () => {
    const deletionSchema = z.array(z.object({ DeletionProtectionEnabled: z.boolean().default(false) }));
    for (const [template, kept] of [
      [production, true],
      [dev, false],
      [local, false],
    ] as const) {
      for (const [id, table] of tablesOf(template)) {
        expect(table.DeletionPolicy, id).toBe(kept ? 'RetainExceptOnCreate' : 'Delete');
        expect(hasPointInTimeRecovery(table), id).toBe(kept);
        const [replica] = deletionSchema.parse(property(table, 'Replicas'));
        expect(replica?.DeletionProtectionEnabled, id).toBe(kept);
      }
    }
  });

  it('the context may leave tables unprotected, for a first deployment that cleans up after itself', () => {
    const open = synthesizeWith('production', { protectTables: 'false' });
    expect(JSON.stringify(tablesOf(open))).not.toContain('"DeletionProtectionEnabled":true');
  });
});

describe('logs of the stack', () => {
  it('every function and state machine has a log group, with the retention of its stage', () => {
    for (const [template, days] of [
      [local, 1],
      [dev, 7],
      [production, 30],
    ] as const) {
      const groups = resourcesOf(template, 'AWS::Logs::LogGroup');
      const writers = ['AWS::Lambda::Function', 'AWS::StepFunctions::StateMachine'].flatMap((type) =>
        resourcesOf(template, type),
      );
      expect(groups).toHaveLength(writers.length);
      for (const [id, group] of groups) expect(property(group, 'RetentionInDays'), id).toBe(days);
      for (const [id, writer] of writers) expect(JSON.stringify(writer.Properties), id).toMatch(/"LogGroup/);
    }
  });
});

describe('functions of the stack', () => {
  it('every function runs on Node.js 24 and arm64', () => {
    for (const [entry, { resource }] of functionsOf(production)) {
      expect(resource.Properties, entry).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
      });
    }
  });

  it('the time limit of every function is longer than all attempts of a call that an AWS service does not answer', () => {
    // The SDK pauses between attempts for a random time below 50, 100, 200, … ms.
    const longestMs = Object.values(CALL_LIMITS).map(
      ({ maxAttempts, requestTimeoutMs }) => maxAttempts * requestTimeoutMs + 50 * 2 ** (maxAttempts - 1),
    );
    const limits = [local, dev, production].flatMap((template) =>
      [...functionsOf(template).values()].map(({ resource }) =>
        z.number().parse(resource.Properties['Timeout']),
      ),
    );
    expect(Math.max(...longestMs)).toBeLessThan(1_000 * Math.min(...limits));
  });
});

describe('alarms of the stack', () => {
  it('dev has alarms on dead letters and failed workflows, production has further alarms, and local has no alarms', () => {
    const idsOf = (template: Template) =>
      resourcesOf(template, 'AWS::CloudWatch::Alarm')
        .map(([, alarm]) => String(alarm.Properties['AlarmName']).replace(/^Fleetwright-\w+?-/, ''))
        .sort();
    const essential = (stage: StageName) => [
      ...driversOf(stage).map((driver) => `${driver}-dead-letters`),
      'provision-fleet-failed',
      'terminate-fleet-failed',
    ];
    const further = [
      ...deployedDrivers.map((driver) => `${driver}-late`),
      'api-5xx',
      'schedules-finish-changes-errors',
      'schedules-reconcile-errors',
      'schedules-schedule-inventory-errors',
      'schedules-schedule-sweeps-errors',
      'schedules-watch-errors',
      'sweeps-held',
    ];
    expect(idsOf(local)).toEqual([]);
    expect(idsOf(dev)).toEqual(essential('dev').sort());
    expect(idsOf(production)).toEqual([...essential('production'), ...further].sort());
  });

  it('the alarm `sweeps-held` reads the metric that sweeps write', () => {
    const [, alarm] =
      resourcesOf(production, 'AWS::CloudWatch::Alarm').find(([, { Properties }]) =>
        String(Properties['AlarmName']).endsWith('sweeps-held'),
      ) ?? [];
    const { _aws } = metricOf(SWEEP_HELD, 0);
    expect(_aws).toMatchObject({
      CloudWatchMetrics: [
        { Namespace: alarm?.Properties['Namespace'], Metrics: [{ Name: alarm?.Properties['MetricName'] }] },
      ],
    });
    expect(alarm?.Properties['MetricName']).toBe('SweepHeld');
  });

  it('alarms are sent to a topic, and the address of the parameter `AlarmEmail` is subscribed to the topic', () => {
    const subscribed = synthesizeWith('dev', {}, { AlarmEmail: 'ops@example.com' });
    expect(resourcesOf(dev, 'AWS::SNS::Subscription')).toEqual([]);
    expect(resourcesOf(subscribed, 'AWS::SNS::Subscription').map(([, { Properties }]) => Properties)).toEqual(
      [expect.objectContaining({ Protocol: 'email', Endpoint: 'ops@example.com' })],
    );
    for (const [id, alarm] of resourcesOf(dev, 'AWS::CloudWatch::Alarm')) {
      const actions = z.array(z.unknown()).parse(property(alarm, 'AlarmActions'));
      expect(
        actions.map((action) => deployed(dev, action)),
        id,
      ).toEqual(['AlarmsTopic']);
    }
  });
});

it('the stack has exactly the outputs that scripts need', () => {
  expect(Object.keys(local.Outputs).sort()).toEqual([
    'AccessTable',
    'ApiUrl',
    'AuditTable',
    'CatalogueTable',
    'DeadLetterQueueUrls',
    'DeploymentId',
    'FleetsTable',
    'GovernorTable',
    'HistoryTable',
    'ProvisionFleetArn',
    'QueueUrls',
    'SecretsPrefix',
    'TerminateFleetArn',
    'Version',
  ]);
});

describe("the deployment's id", () => {
  const UUID_OF_STACK = '0f0e5a9c-11ee';
  const claimOf = (template: Template) => resourcesOf(template, 'Custom::DeploymentId').at(0)?.[1].Properties;

  it("the deployment's id is the UUID of the stack if the operator names no id", () => {
    expect(deployed(local, local.Outputs['DeploymentId']?.Value)).toBe(UUID_OF_STACK);
    for (const template of [dev, production]) {
      const { DeploymentId, IsNamed } = claimOf(template) ?? {};
      expect(deployed(template, DeploymentId)).toBe(UUID_OF_STACK);
      expect(IsNamed).toBe('false');
    }
  });

  it("on AWS a custom resource claims the deployment's id, and the output `DeploymentId` has the claimed id", () => {
    const named = synthesizeWith('production', {}, { ChosenDeploymentId: 'acme-prod' });
    expect(claimOf(named)).toMatchObject({ DeploymentId: 'acme-prod', IsNamed: 'true' });
    expect(named.Outputs['DeploymentId']?.Value).toEqual({
      'Fn::GetAtt': [resourcesOf(named, 'Custom::DeploymentId')[0]?.[0], 'DeploymentId'],
    });
    expect(resourcesOf(local, 'Custom::DeploymentId')).toEqual([]);
  });
});
