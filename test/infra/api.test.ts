import { expect, it } from 'vitest';
import * as z from 'zod';
import { routes } from '../../functions/entrypoints/api/contract.ts';
import { referredId, resourcesOf } from '../../infra/template.ts';
import { deployed, functionsOf, templateOf } from './synthesized.ts';

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

it('API Gateway limits the request rate to 200 a second with a burst of 400', () => {
  const [stage] = resourcesOf(template, 'AWS::ApiGatewayV2::Stage');
  expect(stage?.[1].Properties).toMatchObject({
    AutoDeploy: true,
    DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
  });
});
