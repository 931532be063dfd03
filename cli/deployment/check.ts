import project from '../../package.json' with { type: 'json' };
import type { AwsAccount } from '../shell/aws-calls.ts';
import { AwsRefusal } from '../shell/aws-calls.ts';
import type { Outcome } from '../shell/command.ts';
import type { World } from '../shell/context.ts';
import { EXIT } from '../shell/exit.ts';
import { fields, table } from '../shell/table.ts';
import { type AccountChecks, accountProbes } from './check-account.ts';
import { deployedProbes } from './check-deployed.ts';
import { sizeProbes } from './check-size.ts';
import { type Deployment, findDeployment, type Stage } from './find-deployment.ts';
import { type Finding, runProbe } from './finding.ts';
import { listResources, type StackResource } from './list-all.ts';
import { openAccount } from './open-account.ts';

export interface CheckInput {
  stage?: Stage | undefined;
  stack?: string | undefined;
  size: number;
}

/** The document that `deployment check --json` prints. */
export interface CheckDocument {
  deployment: string;
  stage: Stage;
  account: string;
  region: string;
  deployed: boolean;
  size: number;
  checks: Finding[];
  ok: boolean;
}

/**
 * Checks an account and region, and a deployment in it. A check that AWS does not answer is `unknown`; the other checks
 * go on.
 *
 * @throws CliError if AWS cannot be reached
 */
export async function checkDeployment(world: World, { stage, stack, size }: CheckInput): Promise<Outcome> {
  const { account, caller } = await openAccount(world, stage);
  const { deployment, finding } = await locate(account, { stage, stackName: stack });
  const resources = deployment.stack ? await resourcesOf(account, deployment.name) : [];
  const checks: AccountChecks = {
    account,
    deployment,
    needs: await world.stageNeeds(deployment.stage),
    deployedConcurrency: await deployedConcurrency(account, resources),
  };
  const probes = [
    ...accountProbes(checks),
    ...sizeProbes(checks, size),
    ...(deployment.stack
      ? deployedProbes({
          account,
          deployment,
          resources,
          version: project.version,
          nowMs: world.now(),
          apiUrl: () => world.apiUrlOf(deployment.outputs['ApiUrl'] ?? '', account.engineUrl),
          fetch: world.fetch,
        })
      : []),
  ];
  const findings: Finding[] = finding ? [finding] : [];
  if (!deployment.stack && !finding) findings.push(notDeployed(deployment));
  // One after the other: the Parameter Store and Service Quotas allow few calls a second.
  for (const probe of probes) findings.push(await runProbe(probe));
  const document: CheckDocument = {
    deployment: deployment.name,
    stage: deployment.stage,
    account: caller.account,
    region: account.region,
    deployed: deployment.stack !== undefined,
    size,
    checks: findings,
    ok: findings.every(({ status }) => status !== 'problem'),
  };
  return { document, text: checkText(document), exitCode: document.ok ? EXIT.done : EXIT.otherwise };
}

const notDeployed = ({ name, stage }: Deployment): Finding => ({
  id: 'stack',
  status: 'ok',
  found: `${name} is not deployed`,
  needed: 'nothing before the first deploy',
  whatToDo: `Deploy with \`npx cdk deploy -c stage=${stage}\`, then check again.`,
});

/** Finds the deployment. Without the right to read stacks, returns a deployment without a stack, as if nothing were
 * deployed yet. */
async function locate(
  account: AwsAccount,
  wanted: { stage?: Stage | undefined; stackName?: string | undefined },
): Promise<{ deployment: Deployment; finding?: Finding }> {
  try {
    return { deployment: await findDeployment(account, wanted) };
  } catch (error) {
    if (!(error instanceof AwsRefusal)) throw error;
    const stage = wanted.stage ?? 'dev';
    const name = wanted.stackName ?? `Fleetwright-${stage}`;
    const finding = await runProbe({
      id: 'stack',
      needed: 'the right to read the stack',
      ask: () => Promise.reject(error),
    });
    return { deployment: { name, stage, stack: undefined, outputs: {} }, finding };
  }
}

/** Lists the stack's resources. Without the right to list resources, returns an empty list. */
async function resourcesOf(account: AwsAccount, name: string): Promise<StackResource[]> {
  try {
    return await listResources(account, name);
  } catch (error) {
    if (error instanceof AwsRefusal) return [];
    throw error;
  }
}

/** Adds up the concurrency of the stack's event sources. @returns undefined if none can be read */
async function deployedConcurrency(
  account: AwsAccount,
  resources: readonly StackResource[],
): Promise<number | undefined> {
  const own = new Set(
    resources.flatMap(({ type, physicalId }) =>
      type === 'AWS::Lambda::EventSourceMapping' ? [physicalId] : [],
    ),
  );
  if (own.size === 0) return undefined;
  let sum = 0;
  let token: string | undefined;
  try {
    do {
      const page = await account.call('lambda:ListEventSourceMappings', {
        ...(token === undefined ? {} : { Marker: token }),
      });
      for (const { UUID = '', ScalingConfig } of page.EventSourceMappings ?? []) {
        if (own.has(UUID)) sum += ScalingConfig?.MaximumConcurrency ?? 0;
      }
      token = page.NextMarker;
    } while (token !== undefined && token !== '');
  } catch (error) {
    if (error instanceof AwsRefusal) return undefined;
    throw error;
  }
  return sum > 0 ? sum : undefined;
}

function checkText({ deployment, account, region, deployed, checks, ok }: CheckDocument): string {
  const head = fields([
    ['Deployment', `${deployment}${deployed ? '' : ' (not deployed yet)'}`],
    ['Account', account],
    ['Region', region],
    ['Result', ok ? 'no problem' : 'problems, see below'],
  ]);
  const rows = checks.map(({ id, status, found, needed }) => [id, status, found, needed]);
  const todo = checks.filter(({ whatToDo }) => whatToDo !== '');
  const what =
    todo.length === 0
      ? ''
      : `\n${table(
          ['check', 'what to do'],
          todo.map(({ id, whatToDo }) => [id, whatToDo]),
        )}`;
  return `${head}\n${table(['check', 'status', 'found', 'needed'], rows)}${what}`;
}
