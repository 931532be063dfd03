import { CustomResource, Duration, Fn, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { EARLIER_PARTITION } from '../../functions/platform/store/connections.ts';
import { DEPLOYMENT_ID_PARTITIONS } from '../../functions/platform/store/partitions.ts';
import type { Data } from './data.ts';
import { AppFunction, type FunctionContext } from './function.ts';

/**
 * Version of the keys in the tables. With a new version, CloudFormation calls the function of the custom resource,
 * which refuses tables that this release cannot read.
 */
const TABLE_LAYOUT = '2';

export interface DeploymentIdProps extends FunctionContext {
  readonly data: Data;
}

/**
 * Creates the deployment's id once and stores it in a table, where functions read the id. The template has
 * only the initial value. The initial value is the id that the operator names, or else the stack's UUID,
 * which is the last part of the stack's ARN.
 *
 * On AWS, a custom resource stores the id during the deploy, and a later deploy that names a different id
 * fails. The local engine does not support custom resources. There, the first function that needs the id
 * stores it.
 */
export class DeploymentId extends Construct {
  /** The id in the table. On the local engine, the id that functions will store. */
  readonly value: string;
  readonly #initial: string;
  readonly #stackUuid: string;
  readonly #isNamed: string;

  constructor(scope: Construct, id: string, props: DeploymentIdProps) {
    super(scope, id);
    const { stage, parameters, data } = props;
    const { isSet, value } = parameters.chosenDeploymentId;
    const ifChosen = (then: string, otherwise: string) =>
      Fn.conditionIf(isSet.logicalId, then, otherwise).toString();
    this.#isNamed = ifChosen('true', 'false');
    this.#stackUuid = Fn.select(2, Fn.split('/', Stack.of(this).stackId));
    this.#initial = ifChosen(value, this.#stackUuid);
    if (stage.name === 'local') {
      this.value = this.#initial;
      return;
    }
    const claim = new AppFunction(this, 'Claim', {
      ...props,
      entry: 'deployment/claim-id',
      timeout: Duration.seconds(30),
    });
    data.fleets.connect(claim, 'readPut', DEPLOYMENT_ID_PARTITIONS);
    data.access.connect(claim, 'read', { reads: [EARLIER_PARTITION] });
    this.tell(claim);
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::DeploymentId',
      serviceToken: claim.lambda.functionArn,
      serviceTimeout: Duration.minutes(2),
      // If one of these properties changes, CloudFormation updates the resource. The function then compares the id
      // again.
      properties: { DeploymentId: this.#initial, IsNamed: this.#isNamed, TableLayout: TABLE_LAYOUT },
    });
    resource.node.addDependency(claim);
    this.value = resource.getAttString('DeploymentId');
  }

  /** Passes the initial id to a function. The function uses the initial id while the table has no id. */
  tell(to: AppFunction): void {
    to.set({ DEPLOYMENT_ID: this.#initial, DEPLOYMENT_ID_NAMED: this.#isNamed });
  }

  /**
   * Passes the stack's UUID to a worker. The UUID distinguishes two stacks with the same deployment id, for
   * example a stack with a copy of the other's tables.
   */
  tellWriter(to: AppFunction): void {
    to.set({ WRITER_ID: this.#stackUuid });
  }
}
