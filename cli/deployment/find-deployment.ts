import { type AwsAccount, type AwsCalls, AwsRefusal } from '../shell/aws-calls.ts';
import { usageError } from '../shell/exit.ts';

type StageName = import('../../infra/settings/config.ts').StageName;

/** The stages, in the order in which they are looked for. The compiler compares the list with that of `infra`. */
export const STAGES = ['production', 'dev', 'local'] as const satisfies readonly StageName[];
export type Stage = (typeof STAGES)[number];

type Stack = NonNullable<AwsCalls['cloudformation:DescribeStacks']['output']['Stacks']>[number];

/** A deployment, as CloudFormation knows it. `stack` is undefined if it is not deployed. */
export interface Deployment {
  /** The deployment's name, which is the name of its stack. */
  name: string;
  stage: Stage;
  stack: Stack | undefined;
  outputs: Readonly<Record<string, string>>;
}

export const stackNameOf = (stage: Stage): string => `Fleetwright-${stage}`;

/**
 * Finds a deployment by its stage or its stack's name. With neither of them, finds the only deployment of this account
 * and region.
 *
 * @returns the deployment; if none is found, that of the stage `dev`, which is CDK's default, without a stack
 * @throws CliError if neither is given and the region has several deployments
 */
export async function findDeployment(
  account: AwsAccount,
  { stage, stackName }: { stage?: Stage | undefined; stackName?: string | undefined },
): Promise<Deployment> {
  if (stackName !== undefined) {
    const stack = await readStack(account, stackName);
    return deploymentOf(stackName, stage ?? stageOf(stackName, stack), stack);
  }
  if (stage !== undefined) {
    const name = stackNameOf(stage);
    return deploymentOf(name, stage, await readStack(account, name));
  }
  const found: Deployment[] = [];
  for (const one of STAGES) {
    const name = stackNameOf(one);
    const stack = await readStack(account, name);
    if (stack) found.push(deploymentOf(name, one, stack));
  }
  const [only, ...others] = found;
  if (!only) return deploymentOf(stackNameOf('dev'), 'dev', undefined);
  if (others.length === 0) return only;
  throw usageError(
    `the region ${account.region} has ${found.length} deployments: ${found.map(({ name }) => name).join(', ')}`,
    'Name one of them with --stage.',
  );
}

/** Reads a stack. @returns undefined if it does not exist */
export async function readStack(account: AwsAccount, name: string): Promise<Stack | undefined> {
  try {
    const { Stacks = [] } = await account.call('cloudformation:DescribeStacks', { StackName: name });
    return Stacks.find(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE');
  } catch (error) {
    if (error instanceof AwsRefusal && error.kind === 'absent') return undefined;
    throw error;
  }
}

function deploymentOf(name: string, stage: Stage, stack: Stack | undefined): Deployment {
  const outputs = Object.fromEntries(
    (stack?.Outputs ?? []).flatMap(({ OutputKey, OutputValue }) =>
      OutputKey === undefined || OutputValue === undefined ? [] : [[OutputKey, OutputValue]],
    ),
  );
  return { name, stage, stack, outputs };
}

/** Returns the stage of a stack with another name than usual: from its tag, else from the end of its name. */
function stageOf(name: string, stack: Stack | undefined): Stage {
  const tag = stack?.Tags?.find(({ Key }) => Key === 'stage')?.Value;
  const known = STAGES.find((one) => one === tag) ?? STAGES.find((one) => name.endsWith(`-${one}`));
  if (known) return known;
  throw usageError(
    `the stage of the stack ${name} is not known: neither its tag \`stage\` nor its name tells it`,
    `Name it with --stage, one of ${STAGES.join(', ')}.`,
  );
}
