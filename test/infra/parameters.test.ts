import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { resourcesOf, type Template } from '../../infra/template.ts';
import { rawTemplateOf, synthesizeWith } from './synthesized.ts';

const parameterSchema = z.object({
  Type: z.string(),
  Default: z.unknown(),
  Description: z.string().min(20),
  AllowedPattern: z.string().optional(),
  AllowedValues: z.array(z.string()).optional(),
  ConstraintDescription: z.string().optional(),
  MinValue: z.number().optional(),
  MaxValue: z.number().optional(),
});

function parametersOf(template: Template) {
  const all = z.record(z.string(), z.unknown()).parse(template['Parameters']);
  return new Map(
    Object.entries(all)
      // CDK's own parameter, which names the version of the bootstrap stack.
      .filter(([name]) => name !== 'BootstrapVersion')
      .map(([name, parameter]) => [name, parameterSchema.parse(parameter)]),
  );
}

const NUMBERS = [
  'ApiBurstRequests',
  'ApiRequestsPerSecond',
  'ApiChangesPerSecond',
  'DriverConcurrency',
  'InventoryIntervalMinutes',
  'LogRetentionDays',
  'NetworkGraceSeconds',
  'SweepIntervalMinutes',
  'WaitingRequests',
];

describe('parameters of the stack', () => {
  it.each(['dev', 'production'] as const)(
    'stage %s has a parameter for each setting of an operator',
    (stage) => {
      expect([...parametersOf(rawTemplateOf(stage)).keys()].sort()).toEqual(
        [
          ...NUMBERS,
          'AlarmEmail',
          'AllowedAddresses',
          'FirstAdministrator',
          'OidcAudience',
          'OidcGroupsClaim',
          'OidcIssuer',
          'OidcSubjectClaim',
          'ChosenDeploymentId',
          'FunctionArchitecture',
          'NetworkPool',
        ].sort(),
      );
    },
  );

  it('a stage without alarms has no parameter for their address', () => {
    expect(parametersOf(rawTemplateOf('dev', { alarms: 'none' })).has('AlarmEmail')).toBe(false);
  });

  it('the local stage has its numbers in the template, because MiniStack passes a parameter as a text', () => {
    expect([...parametersOf(rawTemplateOf('local')).keys()]).toEqual(['ChosenDeploymentId']);
  });

  it('every number has a default between its limits, or among its allowed values', () => {
    for (const stage of ['dev', 'production'] as const) {
      const parameters = parametersOf(rawTemplateOf(stage));
      for (const name of NUMBERS) {
        const { Type, Default, MinValue, MaxValue, AllowedValues } = parameters.get(name) ?? {};
        expect(Type, name).toBe('Number');
        if (AllowedValues) expect(AllowedValues, name).toContain(String(Default));
        else {
          expect(Default, name).toBeGreaterThanOrEqual(MinValue ?? Number.POSITIVE_INFINITY);
          expect(Default, name).toBeLessThanOrEqual(MaxValue ?? 0);
        }
      }
    }
  });

  it.each([
    [
      'AlarmEmail',
      ['', 'ops@example.com', 'a.b+c@mail.example.co.uk'],
      ['ops', 'ops@example', 'a b@example.com', '@example.com'],
    ],
    [
      'ChosenDeploymentId',
      ['', 'acme-prod', '0f0e5a9c-11ee-11ee-11ee-0242ac120002'],
      ['A!', 'ab', 'Acme', 'a'.repeat(37)],
    ],
  ])(
    'the pattern of %s accepts an empty value and valid ones, and refuses others',
    (name, valid, invalid) => {
      const { AllowedPattern = '', ConstraintDescription } =
        parametersOf(rawTemplateOf('dev')).get(name) ?? {};
      // CloudFormation compares the pattern with the whole value.
      const pattern = new RegExp(`^(?:${AllowedPattern})$`);
      expect(ConstraintDescription).toMatch(/or empty$/);
      for (const value of valid) expect(value).toMatch(pattern);
      for (const value of invalid) expect(value).not.toMatch(pattern);
    },
  );

  it('the values of the parameters reach the resources', () => {
    const changed = synthesizeWith(
      'dev',
      {},
      {
        ApiBurstRequests: 7,
        ApiRequestsPerSecond: 3,
        DriverConcurrency: 11,
        FunctionArchitecture: 'x86_64',
        InventoryIntervalMinutes: 30,
        LogRetentionDays: 14,
        SweepIntervalMinutes: 45,
      },
    );
    const all = (type: string) => resourcesOf(changed, type).map(([, { Properties }]) => Properties);
    for (const mapping of all('AWS::Lambda::EventSourceMapping'))
      expect(mapping).toMatchObject({ ScalingConfig: { MaximumConcurrency: 11 } });
    for (const group of all('AWS::Logs::LogGroup')) expect(group).toMatchObject({ RetentionInDays: 14 });
    for (const lambda of all('AWS::Lambda::Function'))
      expect(lambda).toMatchObject({ Architectures: ['x86_64'] });
    expect(all('AWS::ApiGatewayV2::Stage')).toMatchObject([
      { DefaultRouteSettings: { ThrottlingBurstLimit: 7, ThrottlingRateLimit: 3 } },
    ]);
    const rates = all('AWS::Events::Rule').map(({ ScheduleExpression }) => ScheduleExpression);
    expect(rates.sort()).toEqual([
      'rate(1 minute)',
      'rate(1 minute)',
      'rate(10 minutes)',
      'rate(30 minutes)',
      'rate(45 minutes)',
    ]);
  });

  it('a value changes no resource but the ones that it is about', () => {
    const plain = synthesizeWith('dev', {});
    expect(Object.keys(synthesizeWith('dev', {}, { DriverConcurrency: 11 }).Resources)).toEqual(
      Object.keys(plain.Resources),
    );
    const more = Object.keys(synthesizeWith('dev', {}, { AlarmEmail: 'ops@example.com' }).Resources);
    expect(more.filter((id) => !(id in plain.Resources))).toEqual([
      expect.stringMatching(/^AlarmsSubscription/),
    ]);
  });

  it('a value without a parameter is refused', () => {
    expect(() => synthesizeWith('dev', {}, { Concurrency: 3 })).toThrow('no parameters Concurrency');
  });
});
