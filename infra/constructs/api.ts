import { Duration, Token } from 'aws-cdk-lib';
import { HttpApi, HttpMethod, HttpRoute, HttpRouteKey, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Construct } from 'constructs';
import { routes } from '../../functions/entrypoints/api/contract.ts';
import {
  AUDIT_PARTITIONS_OF_API,
  AUDIT_PARTITIONS_OF_LISTS,
  OPEN_ACT_PARTITIONS,
  PARTITIONS_OF_CONNECTIONS,
  RANGE_PARTITIONS,
  VOLUME_PARTITIONS,
} from '../../functions/platform/store/partitions.ts';
import { API_SECONDS } from '../settings/times.ts';
import type { Data } from './data.ts';
import type { DriverQueues } from './driver-queue.ts';
import { AppFunction, type FunctionContext } from './function.ts';
import type { Secrets } from './secrets.ts';
import type { Workflows } from './workflows.ts';

export interface ApiProps extends FunctionContext {
  readonly data: Data;
  readonly queues: DriverQueues;
  readonly secrets: Secrets;
  readonly workflows: Workflows;
}

type HandlerName = (typeof routes)[number]['handler'];

/**
 * Makes the HTTP API. The requests of each route go to the function of the route's `handler`. All other
 * requests go to the function `access`, which answers 404 or 405. The functions check API keys, because an
 * API Gateway authorizer cannot answer problem JSON.
 */
export class Api extends Construct {
  readonly http: HttpApi;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    const functions = this.#functions(props);
    this.http = new HttpApi(this, 'Http', { createDefaultStage: false, description: 'Fleetwright API' });
    new HttpStage(this, 'Stage', {
      httpApi: this.http,
      stageName: '$default',
      autoDeploy: true,
      throttle: {
        rateLimit: props.parameters.apiRequestsPerSecond,
        burstLimit: props.parameters.apiBurstRequests,
      },
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
    for (const { method, path, handler } of routes) {
      for (const one of method === 'GET' ? (['GET', 'HEAD'] as const) : [method]) {
        new HttpRoute(this, `${one} ${path}`, {
          httpApi: this.http,
          routeKey: HttpRouteKey.with(path, HttpMethod[one]),
          integration: integrations[handler],
        });
      }
    }
    new HttpRoute(this, 'Other', {
      httpApi: this.http,
      routeKey: HttpRouteKey.DEFAULT,
      integration: integrations.access,
    });
  }

  #functions(props: ApiProps): Record<HandlerName, AppFunction> {
    const { stage, data, queues, secrets, workflows } = props;
    const make = (name: HandlerName, memoryMb = 512) => {
      const made = new AppFunction(this, name, {
        ...props,
        entry: `api/${name}`,
        timeout: Duration.seconds(API_SECONDS),
        memoryMb,
      });
      data.audit.connect(made, 'readPut', AUDIT_PARTITIONS_OF_API);
      data.audit.connect(made, 'delete', OPEN_ACT_PARTITIONS);
      return made;
    };

    const fleets = make('fleets', 1024);
    const { waitingRequests: waiting } = props.parameters;
    fleets.set({ WAITING_REQUESTS: Token.isUnresolved(waiting) ? Token.asString(waiting) : String(waiting) });
    data.fleets.connect(fleets, 'readWrite');
    data.catalogue.connect(fleets, 'read');
    // The transaction that creates a fleet also checks that the fleet's connections are Ready.
    data.access.connect(fleets, 'readCheck');
    // A fleet's view tells what the governor and the polls know of its sites.
    data.governor.connect(fleets, 'read');
    workflows.provisionFleet.connectStarter(fleets, 'PROVISION_FLEET_ARN');
    workflows.terminateFleet.connectStarter(fleets, 'TERMINATE_FLEET_ARN');

    const resources = make('resources');
    data.fleets.connect(resources, 'readWrite');
    data.access.connect(resources, 'readCheck');
    queues.connectSender(resources);

    const connections = make('connections');
    connections.set({
      ALLOW_ENDPOINT_OVERRIDE: String(stage.allowEndpointOverride),
      ALLOWED_ADDRESSES: props.parameters.allowedAddresses,
    });
    data.access.connect(connections, 'readWrite', PARTITIONS_OF_CONNECTIONS.access);
    // The transaction that creates a connection also checks that the deployment is not being removed.
    data.fleets.connect(connections, 'readCheck');
    data.fleets.connect(connections, 'put', PARTITIONS_OF_CONNECTIONS.fleets);
    data.fleets.connect(connections, 'delete', VOLUME_PARTITIONS);
    data.catalogue.connect(connections, 'readWrite');
    data.governor.connect(connections, 'readPut');
    secrets.keepsCredentials(connections);
    queues.connectSender(connections);

    const catalogue = make('catalogue');
    data.catalogue.connect(catalogue, 'read');
    data.access.connect(catalogue, 'read');

    const access = make('access');
    data.access.connect(access, 'readWrite');
    data.fleets.connect(access, 'read');
    data.audit.connect(access, 'read', AUDIT_PARTITIONS_OF_LISTS);
    // The deletion of a namespace ends what others share with it.
    data.fleets.connect(access, 'put', RANGE_PARTITIONS);

    return { fleets, resources, connections, catalogue, access };
  }
}
