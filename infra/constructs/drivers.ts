import { Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { DriverName } from '../../functions/model/connection.ts';
import { DEPLOYMENT_ID_PARTITIONS, partitionsOfDriver } from '../../functions/platform/store/partitions.ts';
import type { Data } from './data.ts';
import type { DeploymentId } from './deployment-id.ts';
import type { DriverQueues } from './driver-queue.ts';
import { type AppFunction, type FunctionContext, localArn } from './function.ts';
import type { Secrets } from './secrets.ts';
import type { Workflows } from './workflows.ts';

export interface DriversProps extends FunctionContext {
  readonly deploymentId: DeploymentId;
  readonly data: Data;
  readonly queues: DriverQueues;
  readonly secrets: Secrets;
  readonly workflows: Workflows;
}

/**
 * Additional IAM rights for the functions of some drivers. The function of driver `aws` may assume roles in
 * users' accounts if the role's name matches this pattern (docs/drivers/aws.md). The users decide which of
 * their roles trust this function.
 */
const FURTHER_GRANTS: Readonly<Partial<Record<DriverName, (worker: AppFunction) => void>>> = {
  aws: (worker) =>
    worker.allow(['sts:AssumeRole'], [`arn:${Stack.of(worker).partition}:iam::*:role/fleetwright-*`]),
};

/**
 * Makes one function for each driver. Only these functions call clouds, each with the credentials for its own
 * driver.
 */
export class Drivers extends Construct {
  readonly functions: readonly AppFunction[];

  constructor(scope: Construct, id: string, props: DriversProps) {
    super(scope, id);
    const { data, queues, secrets, workflows } = props;
    const { networkGraceSeconds: graceSeconds, networkPool } = props.parameters;
    this.functions = queues.all.map((queue) => {
      const worker = queue.addConsumer(props);
      props.deploymentId.tell(worker);
      props.deploymentId.tellWriter(worker);
      worker.set({
        DRIVER_TIMEOUT_SECONDS: String(props.stage.driverTimeoutSeconds),
        NETWORK_GRACE_SECONDS: Token.isUnresolved(graceSeconds)
          ? Token.asString(graceSeconds)
          : String(graceSeconds),
        NETWORK_POOL: networkPool,
        ALLOWED_ADDRESSES: props.parameters.allowedAddresses,
      });
      const own = partitionsOfDriver(queue.driver);
      for (const table of ['fleets', 'governor', 'catalogue', 'access'] as const)
        data[table].connect(worker, 'readWrite', own[table]);
      data.audit.connect(worker, 'readPut', own.audit);
      if (props.stage.name === 'local') data.fleets.connect(worker, 'put', DEPLOYMENT_ID_PARTITIONS);
      secrets.readsCredentialsOf(queue.driver, worker);
      secrets.readsBeat(worker);
      queues.connectSender(worker, [queue]);
      worker.allow(['events:PutEvents'], [localArn(this, 'events', 'event-bus/default')]);
      for (const workflow of workflows.all) workflow.allowAnswerBy(worker);
      FURTHER_GRANTS[queue.driver]?.(worker);
      return worker;
    });
  }
}
