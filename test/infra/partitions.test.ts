import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Template } from '../../infra/template.ts';
import { rawTemplateOf } from './synthesized.ts';

/**
 * Services that act on resources of the stack. Their principals have this form in every partition, also in China, whose
 * host names end in `amazonaws.com.cn`.
 */
const PRINCIPALS = new Set(
  ['apigateway', 'cloudwatch', 'events', 'lambda', 'states'].map((service) => `${service}.amazonaws.com`),
);
const ALLOWED_KEYS = new Set(['Service', 'Principal']);

/** Returns the path and text of each part of a template that names one partition. */
function literalPartitions(template: Template): string[] {
  const found: string[] = [];
  const walk = (value: unknown, path: readonly string[]): void => {
    if (typeof value === 'string') {
      const isPrincipal = ALLOWED_KEYS.has(path.at(-1) ?? '') && PRINCIPALS.has(value);
      if (/\barn:aws\b|amazonaws\.com|\.aws\.amazon\.com/.test(value) && !isPrincipal)
        found.push(`${path.join('.')}: ${value}`);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, one] of Object.entries(value)) walk(one, [...path, key]);
    }
  };
  walk(template, []);
  return found;
}

const TEMPLATES = [
  ['local', {}],
  ['dev', {}],
  ['production', {}],
  ['production', { drivers: 'sim', tracing: 'true' }],
] as const;

describe('templates in the partitions aws, aws-cn and aws-us-gov', () => {
  it.each(TEMPLATES)(
    'no ARN and no host name of stage %s with context %j names a partition',
    (stage, context) => {
      expect(literalPartitions(rawTemplateOf(stage, context))).toEqual([]);
    },
  );

  it('a literal partition, a host name and an unknown principal are each found', () => {
    const Resources = {
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: {
          Statement: [{ Resource: 'arn:aws:s3:::bucket/*' }, { Resource: 'arn:aws-cn:s3:::bucket/*' }],
          Url: { 'Fn::Join': ['', ['https://sqs.', { Ref: 'AWS::Region' }, '.amazonaws.com/']] },
          Principal: { Service: 'logs.us-east-1.amazonaws.com' },
        },
      },
    };
    expect(literalPartitions({ Resources, Outputs: {} })).toEqual([
      'Resources.Role.Properties.Statement.0.Resource: arn:aws:s3:::bucket/*',
      'Resources.Role.Properties.Statement.1.Resource: arn:aws-cn:s3:::bucket/*',
      'Resources.Role.Properties.Url.Fn::Join.1.2: .amazonaws.com/',
      'Resources.Role.Properties.Principal.Service: logs.us-east-1.amazonaws.com',
    ]);
  });
});

describe('sources', () => {
  const SOURCES = [
    'functions/**/*.ts',
    'infra/constructs/*.ts',
    'infra/settings/*.ts',
    'infra/stacks/*.ts',
    'state-machines/*.json',
  ];
  /** The one file that knows the partitions' host names. */
  const KNOWS_DOMAINS = 'functions/drivers/aws/partitions.ts';

  it('no ARN in the code of functions, in the infrastructure or in state machines names a partition', () => {
    const root = join(import.meta.dirname, '../..');
    const files = globSync(SOURCES, { cwd: root });
    expect(files.length).toBeGreaterThan(200);
    const found = files.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .filter((line) => {
          const isPrincipal = [...PRINCIPALS].some((one) => line.includes(`ServicePrincipal('${one}')`));
          // The service's name in the command that makes its role. It is the same in all partitions.
          const isRole = line.includes('create-service-linked-role --aws-service-name spot.amazonaws.com');
          const isDomain = /amazonaws\.com/.test(line) && file !== KNOWS_DOMAINS && !isPrincipal && !isRole;
          return /\barn:aws(?:-cn|-us-gov)?:/.test(line) || isDomain;
        })
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(found).toEqual([]);
  });
});
