import { plainText } from '../../functions/model/plain-text.ts';
import { type AwsAccount, AwsRefusal } from '../shell/aws-calls.ts';
import { done, interrupted, many, type Run, type StepReport, stopped } from './destroy-run.ts';
import { deleteParameters } from './destroy-secrets.ts';
import { type Deployment, readStack } from './find-deployment.ts';
import { listResources, type StackResource } from './list-all.ts';

const LOOK_MS = 5_000;
/** CloudFormation's deletion takes some minutes. */
const LONGEST_MS = 30 * 60_000;
const TABLE = 'AWS::DynamoDB::GlobalTable';
const isTable = ({ type }: StackResource): boolean => type === TABLE || type === 'AWS::DynamoDB::Table';

export interface StackOutcome {
  report: StepReport;
  /** Names of tables that stay. */
  kept: string[];
}

/**
 * Deletes the stack, also one with termination protection, and waits for the deletion. Then deletes parameters that a
 * function wrote meanwhile, and with `deleteData` the tables that the stack keeps.
 */
export async function removeStack(
  run: Pick<Run, 'account' | 'deployment' | 'context' | 'signal'>,
  deleteData: boolean,
): Promise<StackOutcome> {
  const { account, deployment, context } = run;
  const { stack } = deployment;
  const stackId = stack?.StackId ?? deployment.name;
  const resources = await unlessAbsent(listResources(account, stackId), []);
  if (stack?.EnableTerminationProtection) {
    await account.call('cloudformation:UpdateTerminationProtection', {
      StackName: deployment.name,
      EnableTerminationProtection: false,
    });
  }
  await unlessAbsent(account.call('cloudformation:DeleteStack', { StackName: stackId }), {});
  context.say(
    `CloudFormation deletes the stack ${deployment.name} with ${many(resources.length, 'resource')}`,
  );
  const endMs = context.world.now() + LONGEST_MS;
  for (;;) {
    const now = await readStack(account, stackId);
    if (!now) break;
    if (now.StackStatus === 'DELETE_FAILED') return { report: await failed(account, stackId), kept: [] };
    if (context.world.now() >= endMs) {
      const what =
        'Look at the events of the stack in the CloudFormation console, then run this command again.';
      return { report: stopped('stack', 'the stack is not deleted after 30 minutes', what), kept: [] };
    }
    // The table with the progress may be gone already, so nothing is written to it here.
    await context.world.sleep(LOOK_MS, run.signal);
    if (run.signal.aborted) throw interrupted(deployment.name);
  }
  return await finish(account, deployment, resources, deleteData);
}

/** Returns `otherwise` if the stack is gone, because another command has deleted it. */
async function unlessAbsent<Result>(work: Promise<Result>, otherwise: Result): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AwsRefusal && error.kind === 'absent') return otherwise;
    throw error;
  }
}

/**
 * Removes what is left after the stack: parameters, and tables that the stack kept. A later command does the same if
 * this one dies after the stack is gone.
 */
export async function finish(
  account: AwsAccount,
  deployment: Deployment,
  resources: readonly StackResource[],
  deleteData: boolean,
): Promise<StackOutcome> {
  const parameters = await deleteParameters(account, deployment);
  const existing = await existingTables(
    account,
    resources.filter(isTable).map(({ physicalId }) => physicalId),
  );
  const blocked: string[] = [];
  if (deleteData) {
    for (const TableName of existing) {
      const why = await deleteTable(account, TableName);
      if (why !== undefined) blocked.push(`${TableName}: ${why}`);
    }
  }
  const counts = {
    resources: resources.length,
    parameters,
    tablesDeleted: deleteData ? existing.length - blocked.length : 0,
    tablesKept: deleteData ? blocked.length : existing.length,
  };
  if (blocked.length > 0) {
    return {
      report: stopped(
        'stack',
        `the stack is deleted, but not ${blocked.join('; ')}`,
        'Turn off the deletion protection of these tables with `aws dynamodb update-table --table-name … --no-deletion-protection-enabled`, then run this command again.',
        [],
        counts,
      ),
      kept: existing,
    };
  }
  const kept = deleteData ? [] : existing;
  const found = `the stack is deleted${kept.length > 0 ? `; ${many(kept.length, 'table')} kept` : ''}`;
  return { report: done('stack', found, counts), kept };
}

/** Deletes a table. @returns why DynamoDB refuses; undefined if the table is deleted, or was gone */
async function deleteTable(account: AwsAccount, TableName: string): Promise<string | undefined> {
  try {
    await account.call('dynamodb:DeleteTable', { TableName });
    return undefined;
  } catch (error) {
    if (!(error instanceof AwsRefusal) || error.kind === 'unreachable') throw error;
    return error.kind === 'absent' ? undefined : plainText(error.message);
  }
}

async function existingTables(account: AwsAccount, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const existing = new Set<string>();
  let last: string | undefined;
  do {
    const page = await account.call('dynamodb:ListTables', {
      ...(last === undefined ? {} : { ExclusiveStartTableName: last }),
    });
    for (const name of page.TableNames ?? []) existing.add(name);
    last = page.LastEvaluatedTableName;
  } while (last !== undefined);
  return names.filter((name) => existing.has(name));
}

async function failed(account: AwsAccount, stackId: string): Promise<StepReport> {
  const { StackEvents = [] } = await account.call('cloudformation:DescribeStackEvents', {
    StackName: stackId,
  });
  const reasons = StackEvents.filter(({ ResourceStatus }) => ResourceStatus === 'DELETE_FAILED')
    .slice(0, 5)
    .map(
      ({ LogicalResourceId, ResourceStatusReason = '' }) =>
        `${LogicalResourceId}: ${plainText(ResourceStatusReason).slice(0, 200)}`,
    );
  return stopped(
    'stack',
    `CloudFormation could not delete the stack: ${reasons.join('; ') || 'without a reason'}`,
    'Remove the cause, then run this command again.',
  );
}

/** Finds the latest deleted stack of a name, of the last 90 days. @returns its id, by which it can still be read */
export async function findDeletedStack(account: AwsAccount, name: string): Promise<string | undefined> {
  let token: string | undefined;
  do {
    const page = await account.call('cloudformation:ListStacks', {
      StackStatusFilter: ['DELETE_COMPLETE'],
      ...(token === undefined ? {} : { NextToken: token }),
    });
    // CloudFormation lists the latest first.
    const found = (page.StackSummaries ?? []).find(({ StackName }) => StackName === name);
    if (found) return found.StackId;
    token = page.NextToken;
  } while (token !== undefined);
  return undefined;
}
