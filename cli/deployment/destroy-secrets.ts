import { ApiProblem } from '../../client/index.ts';
import type { AwsAccount } from '../shell/aws-calls.ts';
import { ABOUT_DISKS, decideOnDisks } from './destroy-disks.ts';
import { done, enter, many, type Run, type StepReport, stopped } from './destroy-run.ts';
import type { Deployment } from './find-deployment.ts';
import { listParameters } from './list-all.ts';

/** Maximum number of parameters that one call deletes. */
const BATCH = 10;

/**
 * Deletes the connections through the API, which also takes this deployment's mark away from the cloud accounts. Then
 * deletes every parameter of the deployment that is left. A connection of a forgotten fleet keeps its record, and loses
 * its credential.
 *
 * @param isAgreed the user has agreed by a flag that kept disks are forgotten
 */
export async function removeSecrets(run: Run, isAgreed: boolean): Promise<StepReport> {
  const decision = await decideOnDisks(run, isAgreed);
  if ('step' in decision) return decision;
  await enter(run, 'secrets');
  const api = await run.api();
  const query = decision.forgetDisks ? { forgetDisks: 'true' as const } : {};
  const { connections } = await run.tables.readStanding();
  let deleted = 0;
  for (const { namespace, name } of connections) {
    try {
      await api.deleteConnection({ params: { namespace, connection: name }, query });
      deleted += 1;
    } catch (error) {
      if (error instanceof ApiProblem && error.code === 'disks-kept') {
        const blocker = { namespace, connection: name, message: error.message };
        return stopped('secrets', `connection ${name} has kept disks`, ABOUT_DISKS, [blocker]);
      }
      // 404: another command has deleted it. 409: fleets that are forgotten use it.
      if (!(error instanceof ApiProblem && (error.status === 404 || error.status === 409))) throw error;
    }
  }
  const parameters = await deleteParameters(run.account, run.deployment);
  const counts = { connections: deleted, parameters };
  return done(
    'secrets',
    `${many(deleted, 'connection')} and ${many(parameters, 'parameter')} deleted`,
    counts,
  );
}

/** Returns what the names of the deployment's parameters begin with. */
export const parameterPrefix = ({ outputs, stage }: Deployment): string =>
  `${outputs['SecretsPrefix'] ?? `/fleetwright/${stage}`}/`;

/** Deletes all parameters of the deployment. @returns the number of parameters that were deleted */
export async function deleteParameters(account: AwsAccount, deployment: Deployment): Promise<number> {
  const { names } = await listParameters(account, parameterPrefix(deployment));
  for (let at = 0; at < names.length; at += BATCH) {
    await account.call('ssm:DeleteParameters', { Names: names.slice(at, at + BATCH) });
  }
  return names.length;
}
