import { expect, it } from 'vitest';
import * as z from 'zod';
import { routes } from '../../functions/entrypoints/api/contract.ts';
import { referredId, resourcesOf } from '../../infra/template.ts';
import { deployed, functionsOf, synthesizeWith, templateOf } from './synthesized.ts';

const template = templateOf('production');
const integrationSchema = z.object({ IntegrationUri: z.unknown(), PayloadFormatVersion: z.literal('2.0') });

const targets = new Map(
  resourcesOf(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
    const target = z
      .object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) })
      .parse(Properties['Target']);
    const integration = template.Resources[referredId(target['Fn::Join'][1].at(-1)) ?? ''];
    const { IntegrationUri } = integrationSchema.parse(integration?.Properties);
    return [String(Properties['RouteKey']), deployed(template, IntegrationUri)];
  }),
);

function lambdaOf(handler: string): string {
  const id = functionsOf(template).get(`api/${handler}`)?.id;
  return deployed(template, { 'Fn::GetAtt': [id, 'Arn'] });
}

it('API Gateway sends requests of each route of the API contract to the Lambda function that the contract states', () => {
  expect(routes.length).toBeGreaterThan(0);
  for (const { method, path, handler } of routes) {
    expect(targets.get(`${method} ${path}`), `${method} ${path}`).toBe(lambdaOf(handler));
  }
});

it('API Gateway has only the routes of the contract, HEAD next to each GET, and a default route to `access`', () => {
  const reading = routes.filter(({ method }) => method === 'GET');
  for (const { path } of reading) expect(targets.get(`HEAD ${path}`)).toBe(targets.get(`GET ${path}`));
  expect(targets.get('$default')).toBe(lambdaOf('access'));
  expect(targets.size).toBe(routes.length + reading.length + 1);
});

it('API Gateway limits each changing route to 100 requests a second, and paths that it does not know to 5', () => {
  const [stage] = resourcesOf(template, 'AWS::ApiGatewayV2::Stage');
  const settings = z.record(z.string(), z.unknown()).parse(stage?.[1].Properties['RouteSettings']);
  const changing = routes
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path}`);
  expect(Object.keys(settings).sort()).toEqual([...changing, '$default'].sort());
  for (const key of changing)
    expect(settings[key]).toEqual({ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 100 });
  expect(settings['$default']).toEqual({ ThrottlingRateLimit: 5, ThrottlingBurstLimit: 20 });
});

it('API Gateway makes the routes before the settings that name them', () => {
  const [stage] = resourcesOf(template, 'AWS::ApiGatewayV2::Stage');
  const made = resourcesOf(template, 'AWS::ApiGatewayV2::Route').map(([id]) => id);
  const before = z.object({ DependsOn: z.array(z.string()) }).parse(stage?.[1]).DependsOn;
  expect(made.filter((id) => !before.includes(id))).toEqual([]);
});

it('with -c iam=true, a second API has the same routes, all with the authorizer of IAM', () => {
  const both = synthesizeWith('production', { iam: 'true' });
  const all = resourcesOf(both, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties);
  const keysOf = (type: string) =>
    all.filter((one) => one['AuthorizationType'] === type).map((one) => String(one['RouteKey']));
  expect(keysOf('AWS_IAM').sort()).toEqual([...targets.keys()].sort());
  expect(keysOf('NONE').sort()).toEqual([...targets.keys()].sort());
  expect(Object.keys(both.Outputs ?? {})).toContain('IamApiUrl');
});

it('API Gateway limits the request rate to 200 a second with a burst of 400', () => {
  const [stage] = resourcesOf(template, 'AWS::ApiGatewayV2::Stage');
  expect(stage?.[1].Properties).toMatchObject({
    AutoDeploy: true,
    DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
  });
});
