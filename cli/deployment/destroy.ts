import type { Client } from '../../client/index.ts';
import type { AwsAccount } from '../shell/aws-calls.ts';
import type { Outcome } from '../shell/command.ts';
import type { Context } from '../shell/context.ts';
import type { DeploymentTables, Ending } from '../shell/direct-tables.ts';
import { CliError, EXIT, usageError } from '../shell/exit.ts';
import { awaitEmptyClouds } from './destroy-clouds.ts';
import { awaitNetworks, removeFleets } from './destroy-fleets.ts';
import { planRemoval } from './destroy-plan.ts';
import { done, enter, many, type Run, type StepReport, skipped } from './destroy-run.ts';
import { removeSecrets } from './destroy-secrets.ts';
import { findDeletedStack, finish, removeStack, type StackOutcome } from './destroy-stack.ts';
import { type DestroyDocument, destroyText } from './destroy-text.ts';
import { type Deployment, findDeployment, readStack, type Stage } from './find-deployment.ts';
import { writeForgotten } from './forget.ts';
import { listResources } from './list-all.ts';
import { openAccount } from './open-account.ts';

export interface DestroyInput {
  stage?: Stage | undefined;
  stack?: string | undefined;
  confirm?: string | undefined;
  dryRun: boolean;
  cancel: boolean;
  forget: boolean;
  forgetDisks: boolean;
  forgetFile?: string | undefined;
  deleteData: boolean;
  timeout: number;
}

/**
 * Removes a whole deployment, step by step. Each step may run twice, also in two commands together. The progress is in
 * the deployment's tables, so that a later command goes on where this one stopped.
 */
export async function destroyDeployment(context: Context, input: DestroyInput): Promise<Outcome> {
  const { world } = context;
  const opened = await openAccount(world, input.stage);
  const { account, caller } = opened;
  const deployment = await findDeployment(account, { stage: input.stage, stackName: input.stack });
  const document = (more: Omit<DestroyDocument, 'deployment' | 'region' | 'dryRun' | 'ok'>): Outcome => {
    const ok = more.status !== 'stopped';
    const whole = { deployment: deployment.name, region: account.region, dryRun: input.dryRun, ok, ...more };
    return { document: whole, text: destroyText(whole), exitCode: ok ? EXIT.done : EXIT.otherwise };
  };
  if (!deployment.stack) return document(await removeLeftovers(context, account, deployment, input));
  const tables = await openKnownTables(context, opened.settings, deployment);
  if (input.cancel) return document(await cancel(tables, deployment));
  const ending = await stateOf(tables, deployment, input.forget);
  if (input.dryRun) {
    const needs = await world.stageNeeds(deployment.stage);
    const { forget: isForgetting, forgetDisks, deleteData } = input;
    const steps =
      tables && ending !== 'gone'
        ? await planRemoval({ account, deployment, tables }, { needs, isForgetting, forgetDisks, deleteData })
        : [];
    return document({ status: 'planned', steps, kept: [] });
  }
  await confirm(context, deployment, input.confirm);
  const abort = new AbortController();
  const stopListening = world.onInterrupt(() => abort.abort());
  try {
    if (!tables || ending === 'gone') {
      const base = { account, deployment, context, signal: abort.signal };
      return document(ended([], await removeStack(base, input.deleteData)));
    }
    const begun = await tables.beginEnding(caller.arn);
    const session = openApi(context, account, deployment, tables);
    const run: Run = {
      ...{ context, account, deployment, tables, ending: begun, api: session.open, signal: abort.signal },
      deadlineMs: world.now() + input.timeout * 1_000,
    };
    return document(await runUnlessGone(run, input, session.close));
  } finally {
    stopListening();
  }
}

type Result = Omit<DestroyDocument, 'deployment' | 'region' | 'dryRun' | 'ok'>;

/**
 * Runs the steps. If another command deletes the stack meanwhile, the API and the tables go away under this command. It
 * then only waits for the stack.
 */
async function runUnlessGone(run: Run, input: DestroyInput, closeApi: () => Promise<void>): Promise<Result> {
  try {
    return await runSteps(run, input, closeApi);
  } catch (error) {
    if (run.signal.aborted || (error instanceof CliError && error.exitCode === EXIT.usage)) throw error;
    const stack = await readStack(run.account, run.deployment.stack?.StackId ?? run.deployment.name);
    if (stack && stack.StackStatus !== 'DELETE_IN_PROGRESS') throw error;
    run.context.say(`another command deletes the stack ${run.deployment.name}`);
    return ended([], await removeStack(run, input.deleteData));
  }
}

/** Runs the steps that are left, in order, until one of them stops. */
async function runSteps(run: Run, input: DestroyInput, closeApi: () => Promise<void>): Promise<Result> {
  const steps: StepReport[] = [];
  let forgotten: Result['forgotten'];
  const { step } = run.ending;
  const isPastSecrets = step === 'secrets' || step === 'stack';
  try {
    if (isPastSecrets) {
      for (const earlier of ['accepting', 'fleets', 'networks', 'clouds'] as const)
        steps.push(skipped(earlier, 'an earlier command has done this step'));
    } else {
      steps.push(await stopAccepting(run));
      if (input.forget) {
        forgotten = await writeForgotten(run, input.forgetFile);
        steps.push(
          skipped('fleets', `${many(forgotten.machines, 'machine')} stay, listed in ${forgotten.file}`),
        );
        steps.push(skipped('networks', `${many(forgotten.networks, 'network resource')} stay`));
        steps.push(skipped('clouds', 'no cloud was asked'));
      } else {
        for (const work of [removeFleets, awaitNetworks, awaitEmptyClouds]) {
          const report = await work(run);
          steps.push(report);
          if (report.status === 'stopped') return { status: 'stopped', steps, kept: [] };
        }
      }
    }
    const more = forgotten === undefined ? {} : { forgotten };
    if (step === 'stack') steps.push(skipped('secrets', 'an earlier command has done this step'));
    else {
      // The file of forgotten machines lists the disks, too.
      const secrets = await removeSecrets(run, input.forgetDisks || forgotten !== undefined);
      steps.push(secrets);
      if (secrets.status === 'stopped') return { status: 'stopped', steps, kept: [], ...more };
    }
    await enter(run, 'stack');
    await closeApi();
    return { ...ended(steps, await removeStack(run, input.deleteData)), ...more };
  } finally {
    // If the command failed because another command has deleted the tables, the key is gone with them.
    await closeApi().catch((error: unknown) => {
      if (!(error instanceof CliError)) throw error;
      run.context.say(
        `the API key of this command could not be revoked, and expires in a day: ${error.message}`,
      );
    });
  }
}

const ended = (steps: StepReport[], { report, kept }: StackOutcome): Result => ({
  status: report.status === 'stopped' ? 'stopped' : 'destroyed',
  steps: [...steps, report],
  kept,
});

async function stopAccepting(run: Run): Promise<StepReport> {
  await enter(run, 'accepting');
  const fleets = await run.tables.closeLaunchGate();
  const found = `no new fleets and connections since ${run.ending.since}; launching paused for ${many(fleets, 'fleet')}`;
  return done('accepting', found, { fleets });
}

/** Opens the deployment's tables. @returns undefined if the stack has no outputs, because it was never complete */
async function openKnownTables(
  { world }: Context,
  settings: Parameters<typeof world.openTables>[0],
  { outputs }: Deployment,
): Promise<DeploymentTables | undefined> {
  const { FleetsTable: fleets, AccessTable: access } = outputs;
  return fleets === undefined || access === undefined
    ? undefined
    : await world.openTables(settings, { fleets, access });
}

/**
 * Reads the progress of the removal.
 *
 * @returns `gone` if the tables do not exist any more, because the stack is being deleted
 * @throws CliError if the tables do not exist although the stack is not being deleted
 */
async function stateOf(
  tables: DeploymentTables | undefined,
  { name, stack }: Deployment,
  isForgetting: boolean,
): Promise<Ending | 'gone' | undefined> {
  if (!tables) return undefined;
  try {
    return await tables.readEnding();
  } catch (error) {
    const isGone = error instanceof CliError && error.code === 'tables-gone';
    if (!isGone) throw error;
    if (stack?.StackStatus?.startsWith('DELETE_') || isForgetting) return 'gone';
    throw new CliError(
      EXIT.otherwise,
      'tables-gone',
      `the tables of ${name} do not exist, so it is not known which machines it has made`,
      'Look for machines with the tag fleetwright:deployment at your clouds. To delete the stack all the same, give --forget.',
      { cause: error },
    );
  }
}

/** Asks for the deployment's name, unless a flag has it. @throws CliError if the name is another one */
async function confirm({ world }: Context, { name }: Deployment, given: string | undefined): Promise<void> {
  const typed =
    given ?? (await world.ask(`This removes ${name} with all of its machines. Type its name to go on: `));
  if (typed?.trim() === name) return;
  throw usageError(
    typed === undefined
      ? `the removal of ${name} has to be confirmed by its name`
      : `${JSON.stringify(typed)} is not the name of the deployment, which is ${name}`,
    `Give --confirm ${name}. To see what would be removed, give --dry-run.`,
  );
}

/** Opens the API with a key of this command's own, once. `close` revokes the key. */
function openApi({ world }: Context, account: AwsAccount, { outputs }: Deployment, tables: DeploymentTables) {
  let opened: Promise<{ client: Client; keyId: string }> | undefined;
  const connect = async () => {
    const [key, apiUrl] = await Promise.all([
      tables.issueKey(),
      world.apiUrlOf(outputs['ApiUrl'] ?? '', account.engineUrl),
    ]);
    return { client: world.connect({ apiUrl, apiKey: key.key }), keyId: key.id };
  };
  return {
    open: async () => {
      opened ??= connect();
      return (await opened).client;
    },
    close: async () => {
      const used = opened;
      opened = undefined;
      if (used) await tables.revokeKey((await used).keyId);
    },
  };
}

/** Lets the deployment accept fleets and connections again. */
async function cancel(tables: DeploymentTables | undefined, { name }: Deployment): Promise<Result> {
  const outcome = tables ? await tables.cancelEnding() : 'not-ending';
  switch (outcome) {
    case 'reopened':
      return { status: 'reopened', steps: [], kept: [] };
    case 'not-ending':
      throw usageError(`${name} is not being removed`, 'There is nothing to cancel.');
    case 'too-late':
      throw new CliError(
        EXIT.otherwise,
        'too-late',
        `the removal of ${name} cannot be cancelled: its credentials are deleted already`,
        'Run the command without --cancel to finish the removal, then deploy again.',
      );
  }
}

/** Removes what a deleted stack has left: parameters, and with `--delete-data` the tables that it kept. */
async function removeLeftovers(
  context: Context,
  account: AwsAccount,
  deployment: Deployment,
  { dryRun, confirm: given, deleteData, cancel: isCancelling }: DestroyInput,
): Promise<Result> {
  if (isCancelling) throw usageError(`${deployment.name} does not exist`, 'There is nothing to cancel.');
  const stackId = await findDeletedStack(account, deployment.name);
  const resources = stackId === undefined ? [] : await listResources(account, stackId);
  if (dryRun) {
    const found = `${deployment.name} does not exist; parameters that it has left would be deleted`;
    return { status: 'planned', steps: [{ ...done('stack', found), status: 'planned' }], kept: [] };
  }
  await confirm(context, deployment, given);
  return ended([], await finish(account, deployment, resources, deleteData));
}
