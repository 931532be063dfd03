import {
  CfnStage,
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  type IHttpRouteAuthorizer,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Construct } from 'constructs';
import { routes } from '../../functions/entrypoints/api/contract.ts';
import type { Stage } from '../settings/config.ts';
import type { Parameters } from '../settings/parameters.ts';
import type { AppFunction } from './function.ts';

export type HandlerName = (typeof routes)[number]['handler'];

export interface HttpFrontProps {
  readonly stage: Stage;
  readonly parameters: Parameters;
  readonly functions: Readonly<Record<HandlerName, AppFunction>>;
  readonly description: string;
  /** Refuses requests before a function runs. Absent: the functions alone refuse them. */
  readonly authorizer?: IHttpRouteAuthorizer;
}

/** Requests a second that match no route. Only mistakes and scans send them. */
const UNKNOWN_PER_SECOND = 5;
const UNKNOWN_BURST = 20;

/**
 * Makes an HTTP API with a route for each operation of the contract, in the scope itself. The requests of each route go to the function of the route's
 * `handler`. All other requests go to the function `access`, which answers 404 or 405.
 */
export function makeHttpFront(scope: Construct, props: HttpFrontProps): HttpApi {
  const { functions, parameters, description, authorizer } = props;
  const httpApi = new HttpApi(scope, 'Http', { createDefaultStage: false, description });
  const httpStage = new HttpStage(scope, 'Stage', {
    httpApi,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit: parameters.apiRequestsPerSecond, burstLimit: parameters.apiBurstRequests },
  });
  const integrationOf = (name: HandlerName) =>
    // Each function gets one permission for all its routes. With one permission for each route, the
    // function's resource policy would exceed the limit of 20 KB.
    new HttpLambdaIntegration(name, functions[name].lambda, { scopePermissionToRoute: false });
  const integrations: Record<HandlerName, HttpLambdaIntegration> = {
    fleets: integrationOf('fleets'),
    resources: integrationOf('resources'),
    connections: integrationOf('connections'),
    catalogue: integrationOf('catalogue'),
    access: integrationOf('access'),
  };
  const access = authorizer ? { authorizer } : {};
  const made = routes.flatMap(({ method, path, handler }) =>
    (method === 'GET' ? (['GET', 'HEAD'] as const) : [method]).map(
      (one) =>
        new HttpRoute(scope, `${one} ${path}`, {
          httpApi,
          routeKey: HttpRouteKey.with(path, HttpMethod[one]),
          integration: integrations[handler],
          ...access,
        }),
    ),
  );
  const other = new HttpRoute(scope, 'Other', {
    httpApi,
    routeKey: HttpRouteKey.DEFAULT,
    integration: integrations.access,
    ...access,
  });
  // MiniStack has no throttles.
  if (props.stage.name !== 'local') throttleRoutes(httpStage, [...made, other], parameters);
  return httpApi;
}

/**
 * Limits each route that changes something, and unknown paths, below the limit of the stage. A flood of requests without valid
 * credentials then takes little of the account's concurrent invocations, which workers need. No function reserves concurrency,
 * because a new account refuses that.
 */
function throttleRoutes(
  httpStage: HttpStage,
  made: readonly HttpRoute[],
  { apiChangesPerSecond }: Parameters,
): void {
  const change = { ThrottlingRateLimit: apiChangesPerSecond, ThrottlingBurstLimit: apiChangesPerSecond };
  const changes = routes.flatMap(({ method, path }) =>
    method === 'GET' ? [] : [[`${method} ${path}`, change] as const],
  );
  const stage = httpStage.node.defaultChild;
  if (!(stage instanceof CfnStage))
    throw new Error('the stage of the HTTP API has no CloudFormation resource');
  stage.addPropertyOverride('RouteSettings', {
    ...Object.fromEntries(changes),
    $default: { ThrottlingRateLimit: UNKNOWN_PER_SECOND, ThrottlingBurstLimit: UNKNOWN_BURST },
  });
  // API Gateway refuses settings of a route that does not exist yet.
  httpStage.node.addDependency(...made);
}
