import { Duration, Token } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { Construct } from 'constructs';
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
import { type HandlerName, makeHttpFront } from './http-front.ts';
import type { Secrets } from './secrets.ts';
import type { Workflows } from './workflows.ts';

export interface ApiProps extends FunctionContext {
  readonly data: Data;
  readonly queues: DriverQueues;
  readonly secrets: Secrets;
  readonly workflows: Workflows;
}

/**
 * Makes the API: its functions, and the HTTP API in front of them. The functions check API keys and tokens, because an API
 * Gateway authorizer cannot answer problem JSON.
 */
export class Api extends Construct {
  readonly http: HttpApi;
  /** The same routes for callers that sign with AWS credentials. Undefined: the stage does not have it. */
  readonly iamHttp: HttpApi | undefined;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    const functions = this.#functions(props);
    const front = { stage: props.stage, parameters: props.parameters, functions };
    this.http = makeHttpFront(this, { ...front, description: 'Fleetwright API' });
    if (props.stage.iam) {
      // API Gateway allows one authorizer for each route, and the one of IAM would refuse keys and tokens.
      this.iamHttp = makeHttpFront(new Construct(this, 'Iam'), {
        ...front,
        description: 'Fleetwright API for callers that AWS IAM authenticates',
        authorizer: new HttpIamAuthorizer(),
      });
    }
  }

  #functions(props: ApiProps): Record<HandlerName, AppFunction> {
    const { stage, data, queues, secrets, workflows } = props;
    const { tokens, allowedAddresses } = props.parameters;
    const make = (name: HandlerName, memoryMb = 512) => {
      const made = new AppFunction(this, name, {
        ...props,
        entry: `api/${name}`,
        timeout: Duration.seconds(API_SECONDS),
        memoryMb,
      });
      made.set({
        OIDC_ISSUER: tokens.issuer,
        OIDC_AUDIENCE: tokens.audience,
        OIDC_SUBJECT_CLAIM: tokens.subjectClaim,
        OIDC_GROUPS_CLAIM: tokens.groupsClaim,
        FIRST_ADMINISTRATOR: tokens.firstAdministrator,
        ALLOWED_ADDRESSES: allowedAddresses,
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
    connections.set({ ALLOW_ENDPOINT_OVERRIDE: String(stage.allowEndpointOverride) });
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
