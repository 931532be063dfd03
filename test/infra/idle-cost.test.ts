import { describe, expect, it } from 'vitest';
import { idleCost } from '../../infra/idle-cost.ts';
import { optionCosts } from '../../infra/idle-options.ts';
import { CLOUDWATCH, KMS, SQS } from '../../infra/prices.ts';
import { intervalMinutes } from '../../infra/scheduled-usage.ts';
import type { Resource, Template } from '../../infra/template.ts';
import { rawTemplateOf, templateOf, templateOfAllDrivers } from './synthesized.ts';

const dev = templateOf('dev');

function withResource(id: string, resource: Resource): Template {
  return { ...dev, Resources: { ...dev.Resources, [id]: resource } };
}

describe('idleCost', () => {
  it('an idle month costs at most $2 in dev and at most $6 in production with four drivers', () => {
    expect(idleCost(dev).usd).toBeLessThanOrEqual(2);
    expect(idleCost(templateOfAllDrivers()).usd).toBeLessThanOrEqual(6);
  });

  it('the idle cost counts a request to KMS for each credential that a schedule has decrypted', () => {
    const [kms] = idleCost(templateOf('production')).lines.filter(({ what }) => what.includes('KMS'));
    const quantity = Number(kms?.quantity.replaceAll(',', ''));
    // Eight connections are swept every 15 minutes.
    expect(quantity).toBeGreaterThan((8 * 730 * 60) / 15);
    expect(kms?.usd).toBeCloseTo(quantity * KMS.usdPerRequest, 4);
  });

  it('the idle cost counts an invocation for each location that a sweep looks at', () => {
    const requests = (SweepIntervalMinutes: number) => {
      const { lines } = idleCost(rawTemplateOf('production'), { SweepIntervalMinutes });
      return Number(lines.find(({ what }) => what.includes('Lambda requests'))?.quantity.replaceAll(',', ''));
    };
    const sweeps = (730 * 60) / 15 - (730 * 60) / 30;
    expect(requests(15) - requests(30)).toBe(sweeps * (1 + 8 + 53));
  });

  it('every option of the operator has a price of its own', () => {
    const costs = new Map(
      optionCosts('production', (stage, context) => rawTemplateOf(stage, { ...context })).map(
        ({ what, usd }) => [what, usd],
      ),
    );
    const oneDriver = costs.get('-c drivers=sim') ?? 0;
    // A queue with its polls, and an alarm each on late messages and on dead letters.
    expect(oneDriver).toBeCloseTo(
      15 * 60 * 730 * SQS.usdPerRequest + 2 * CLOUDWATCH.usdPerAlarmMetricMonth,
      6,
    );
    expect(costs.get('-c alarms=none')).toBeCloseTo(-15 * CLOUDWATCH.usdPerAlarmMetricMonth, 6);
    expect(costs.get('-c tracing=true')).toBeGreaterThan(1);
    expect(costs.get('-c customerKey=true')).toBeCloseTo(1, 6);
    expect(costs.get('SweepIntervalMinutes=60')).toBeLessThan(0);
    expect(costs.get('FunctionArchitecture=x86_64')).toBeGreaterThan(0);
    // Production has these values by default.
    expect(costs.has('-c alarms=all')).toBe(false);
    expect(costs.has('SweepIntervalMinutes=15')).toBe(false);
  });

  it('the idle cost counts the polls of each idle queue', () => {
    const another = withResource('Another', { Type: 'AWS::Lambda::EventSourceMapping', Properties: {} });
    const perMapping = 15 * 60 * 730 * SQS.usdPerRequest;
    expect(idleCost(another).usd - idleCost(dev).usd).toBeCloseTo(perMapping, 6);
  });

  it('the idle cost counts each metric of an alarm', () => {
    const Metrics = [
      { Id: 'sum', Expression: 'a+b' },
      { Id: 'a', MetricStat: {} },
      { Id: 'b', MetricStat: {} },
    ];
    const another = withResource('Another', { Type: 'AWS::CloudWatch::Alarm', Properties: { Metrics } });
    expect(idleCost(another).usd - idleCost(dev).usd).toBeCloseTo(2 * CLOUDWATCH.usdPerAlarmMetricMonth, 6);
  });

  it('the idle cost grows when a schedule runs more often', () => {
    const rules = Object.entries(dev.Resources).filter(([, { Type }]) => Type === 'AWS::Events::Rule');
    expect(rules).toHaveLength(5);
    for (const [id, rule] of rules) {
      const Properties = { ...rule.Properties, ScheduleExpression: 'rate(1 minute)' };
      const usd = idleCost(withResource(id, { ...rule, Properties })).usd;
      const wasEachMinute = rule.Properties['ScheduleExpression'] === 'rate(1 minute)';
      expect(usd - idleCost(dev).usd > 0.01).toBe(!wasEachMinute);
    }
  });
});

describe('a template without known prices', () => {
  it.each(['AWS::EC2::NatGateway', 'AWS::EC2::VPCEndpoint', 'AWS::RDS::DBInstance', 'AWS::Kinesis::Stream'])(
    'a template with %s, for which infra/idle-cost.ts has no price, is refused',
    (Type) => {
      expect(() => idleCost(withResource('Intruder', { Type, Properties: {} }))).toThrow(
        `Intruder: infra/idle-cost.ts has no price for ${Type}`,
      );
    },
  );

  it('a template with provisioned capacity of a table or of a queue poller is refused', () => {
    const table = {
      Type: 'AWS::DynamoDB::GlobalTable',
      Properties: { BillingMode: 'PROVISIONED', Replicas: [] },
    };
    expect(() => idleCost(withResource('Table', table))).toThrow(
      'Table: AWS::DynamoDB::GlobalTable with these settings',
    );
    const mapping = { Type: 'AWS::Lambda::EventSourceMapping', Properties: { ProvisionedPollerConfig: {} } };
    expect(() => idleCost(withResource('Mapping', mapping))).toThrow(
      'Mapping: AWS::Lambda::EventSourceMapping',
    );
  });

  it('a template with a scheduled function is refused if infra/idle-cost.ts does not know how the function uses AWS services', () => {
    const target = { Type: 'AWS::Lambda::Function', Properties: { Description: 'functions/new/thing' } };
    const Properties = {
      ScheduleExpression: 'rate(1 hour)',
      Targets: [{ Arn: { 'Fn::GetAtt': ['Target', 'Arn'] } }],
    };
    const template = withResource('Target', target);
    const rule = { Type: 'AWS::Events::Rule', Properties };
    expect(() => idleCost({ ...template, Resources: { ...template.Resources, Rule: rule } })).toThrow(
      'functions/new/thing',
    );
  });
});

it('intervalMinutes reads the rates of rules and refuses cron expressions', () => {
  expect(intervalMinutes('rate(1 minute)')).toBe(1);
  expect(intervalMinutes('rate(6 hours)')).toBe(360);
  expect(intervalMinutes('rate(1 day)')).toBe(1_440);
  expect(() => intervalMinutes('cron(0 1 * * ? *)')).toThrow();
});
