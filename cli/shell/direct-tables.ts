import { randomUUID } from 'node:crypto';
import { closeLaunchGate } from '../../functions/features/deployment/close-launch-gate.ts';
import { readPossessions, readStanding } from '../../functions/features/deployment/standing.ts';
import { systemClock } from '../../functions/platform/runtime/clock.ts';
import { issueRootKey, revokeApiKey } from '../../functions/platform/store/api-keys.ts';
import { readDeploymentId } from '../../functions/platform/store/deployment.ts';
import { beginEnding, cancelEnding, enterStep, readEnding } from '../../functions/platform/store/ending.ts';
import { openDocumentClient, type Store } from '../../functions/platform/store/store.ts';
import type { AwsSettings } from './aws-calls.ts';
import { CliError, EXIT } from './exit.ts';

export type { Standing, StandingFleet } from '../../functions/features/deployment/standing.ts';
export type { Ending, EndingStep } from '../../functions/platform/store/ending.ts';

const KEY_HOURS = 24;

export interface TableNames {
  fleets: string;
  access: string;
}

/**
 * What `deployment destroy` reads and writes in the deployment's tables with the user's AWS rights. Tests replace it.
 */
export type DeploymentTables = ReturnType<typeof openTables>;

/** Opens the tables of a deployment. Every function throws CliError if DynamoDB refuses a request. */
export function openTables(settings: AwsSettings, tables: TableNames) {
  const store: Store<'fleets' | 'access'> = {
    document: openDocumentClient({ ...settings }),
    tables,
    clock: systemClock,
    random: Math.random,
  };
  const told = <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      try {
        return await work(...args);
      } catch (error) {
        throw tableError(error, tables);
      }
    };
  };
  return {
    deploymentId: told(() => readDeploymentId(store)),
    readEnding: told(() => readEnding(store)),
    beginEnding: told((by: string) => beginEnding(store, { endingId: randomUUID(), by })),
    enterStep: told((endingId: string, step: Parameters<typeof enterStep>[2]) =>
      enterStep(store, { endingId }, step),
    ),
    cancelEnding: told(() => cancelEnding(store)),
    closeLaunchGate: told(() => closeLaunchGate(store)),
    readStanding: told(() => readStanding(store)),
    readPossessions: told(() => readPossessions(store)),
    /** Makes an API key that expires by itself, in case the command dies before it revokes the key. */
    issueKey: told(() => {
      const expiresAt = new Date(systemClock.now() + KEY_HOURS * 3_600_000).toISOString();
      return issueRootKey(store, { name: 'deployment-destroy', expiresAt });
    }),
    revokeKey: told((id: string) => revokeApiKey(store, id)),
  };
}

function tableError(error: unknown, { fleets, access }: TableNames): unknown {
  if (!(error instanceof Error) || !('$metadata' in error)) return error;
  if (error.name === 'ResourceNotFoundException') {
    return new CliError(
      EXIT.unreachable,
      'tables-gone',
      `the tables ${fleets} and ${access} do not exist`,
      'Check --stage, --stack and the region.',
      { cause: error },
    );
  }
  return new CliError(
    EXIT.unreachable,
    'aws-refused',
    `the tables ${fleets} and ${access} could not be used: ${error.name}: ${error.message}`,
    'Check that your AWS credentials have the rights for tables in the policy of docs/operations/deployment.md. Then run the command again: it goes on where it stopped.',
    { cause: error },
  );
}
