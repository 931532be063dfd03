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
