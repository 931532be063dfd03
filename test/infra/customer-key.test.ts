import { describe, expect, it } from 'vitest';
import { type Resource, resourcesOf } from '../../infra/template.ts';
import { synthesizeWith, templateOf } from './synthesized.ts';

const template = synthesizeWith('production', { customerKey: 'true' });
const [[keyId, key] = ['', undefined], ...otherKeys] = resourcesOf(template, 'AWS::KMS::Key');
const usesKey = ({ Properties }: Resource) => JSON.stringify(Properties).includes(`"${keyId}"`);

interface Statement {
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}
const isStatement = (value: unknown): value is Statement =>
  typeof value === 'object' && value !== null && 'Action' in value;
const statementsOf = ({ Properties }: Resource): Statement[] => {
  const document: unknown = Properties['PolicyDocument'];
  const list: unknown =
    typeof document === 'object' && document !== null && 'Statement' in document ? document.Statement : [];
  return Array.isArray(list) ? list.filter(isStatement) : [];
};
const ofKey = (actions: Statement) => [actions.Action].flat().some((action) => action.startsWith('kms:'));

describe('a stage with a key of the account', () => {
  it('has one key, which rotates and is kept with the data', () => {
    expect(otherKeys).toEqual([]);
    expect(key).toMatchObject({
      Properties: { EnableKeyRotation: true },
      DeletionPolicy: 'RetainExceptOnCreate',
    });
  });

  it.each([
    ['AWS::DynamoDB::GlobalTable'],
    ['AWS::SQS::Queue'],
    ['AWS::Logs::LogGroup'],
    ['AWS::SNS::Topic'],
  ])('encrypts every %s with the key', (type) => {
    const all = resourcesOf(template, type);
    expect(all.length).toBeGreaterThan(0);
    for (const [id, resource] of all) expect(usesKey(resource), id).toBe(true);
  });

  it('tells the functions that store secrets which key to use, and no others', () => {
    const told = resourcesOf(template, 'AWS::Lambda::Function')
      .filter(([, resource]) => JSON.stringify(resource.Properties).includes('"SECRETS_KEY"'))
      .map(([, { Properties }]) => String(Properties['Description']).split('/').slice(-2).join('/'));
    expect(told.toSorted()).toEqual(['api/connections', 'steps/assign']);
  });

  it('lets roles use the key alone, without wildcards in actions, and only through the services that store data', () => {
    const statements = resourcesOf(template, 'AWS::IAM::Policy').flatMap(([, policy]) =>
      statementsOf(policy).filter(ofKey),
    );
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) {
      expect(JSON.stringify(statement.Action)).not.toContain('*');
      expect(JSON.stringify(statement.Resource)).toContain(keyId);
      expect(Object.keys(statement.Condition?.['StringEquals'] ?? {})).toEqual(['kms:ViaService']);
    }
    const secrets = statements.filter(({ Condition }) => JSON.stringify(Condition).includes('PARAMETER_ARN'));
    // A function that stores secrets cannot decrypt them, and a function that reads them cannot store any.
    for (const { Action } of secrets) expect([Action].flat()).toHaveLength(1);
    expect(new Set(secrets.flatMap(({ Action }) => [Action].flat()))).toEqual(
      new Set(['kms:Decrypt', 'kms:Encrypt']),
    );
  });

  it('is made only on request', () => {
    expect(resourcesOf(templateOf('production'), 'AWS::KMS::Key')).toEqual([]);
  });
});
