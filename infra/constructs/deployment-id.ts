import { CustomResource, Duration, Fn, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Data } from './data.ts';
import { AppFunction, type FunctionContext } from './function.ts';

export interface DeploymentIdProps extends FunctionContext {
  readonly data: Data;
}

/**
 * The deployment's id. It stands in the data, made once, and functions read it there; the template says only what it is
 * where there is none yet: the id that the operator names, or the last part of the stack's ARN, a UUID of its own, so
 * that any two deployments differ. On AWS a custom resource makes it while the stack is deployed, and fails the
 * deployment that names another one. The local engine lets no function answer a stack: there the first function that
 * needs the id makes it.
 */
export class DeploymentId extends Construct {
  /** As it stands in the data; locally, as it is made there. */
  readonly value: string;
  readonly #initial: string;
  readonly #stackUuid: string;
  readonly #isNamed: boolean;

  constructor(scope: Construct, id: string, props: DeploymentIdProps) {
    super(scope, id);
    const { stage, data } = props;
    this.#isNamed = stage.deploymentId !== undefined;
    this.#stackUuid = Fn.select(2, Fn.split('/', Stack.of(this).stackId));
    this.#initial = stage.deploymentId ?? this.#stackUuid;
    if (stage.name === 'local') {
      this.value = this.#initial;
      return;
    }
    const claim = new AppFunction(this, 'Claim', {
      ...props,
      entry: 'deployment/claim-id',
      timeout: Duration.seconds(30),
    });
    data.fleets.connect(claim, 'readPut');
    this.tell(claim);
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::DeploymentId',
      serviceToken: claim.lambda.functionArn,
      serviceTimeout: Duration.minutes(2),
      // A change of either has the resource updated, and so the id compared.
      properties: { DeploymentId: this.#initial, IsNamed: String(this.#isNamed) },
    });
    resource.node.addDependency(claim);
    this.value = resource.getAttString('DeploymentId');
  }

  /** Tells a function what the id is where the data have none yet. */
  tell(to: AppFunction): void {
    to.set({ DEPLOYMENT_ID: this.#initial, DEPLOYMENT_ID_NAMED: String(this.#isNamed) });
  }

  /** Tells a worker what the deployment is called beside others of its id: tables may be copied, and no stack twice. */
  tellWriter(to: AppFunction): void {
    to.set({ WRITER_ID: this.#stackUuid });
  }
}
