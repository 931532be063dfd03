import { readEnv } from '../../../platform/runtime/env.ts';
import { logger } from '../../../platform/runtime/logger.ts';
import { refuseEarlierConnections } from '../../../platform/store/connections.ts';
import { ensureDeploymentId } from '../../../platform/store/deployment.ts';
import { openStore } from '../../../platform/store/store.ts';
import { answerOf, customResourceEventSchema } from './answer-cloudformation.ts';

const env = readEnv(['ACCESS_TABLE', 'FLEETS_TABLE', 'DEPLOYMENT_ID', 'DEPLOYMENT_ID_NAMED']);
const store = openStore({ access: env.ACCESS_TABLE, fleets: env.FLEETS_TABLE });

/**
 * Maximum time of the request that sends the answer, in ms. If the request takes longer, the invocation
 * fails, and Lambda calls the function again. Without this limit, `fetch` would wait five minutes.
 */
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Handles the stack's custom resource, which claims the deployment id. When the stack is first deployed,
 * writes the id to the table. Later, the deployment fails if the operator named an id that differs from the
 * id in the table, or if the tables have connections of a release whose tables this one cannot read. The deletion of the stack keeps the id, because the tables may remain.
 */
export async function handler(input: unknown): Promise<void> {
  const event = customResourceEventSchema.parse(input);
  const answer = await ensured(event.RequestType === 'Delete').then(
    (attributes) => answerOf(event, { attributes }),
    (error: unknown) => {
      logger.error('the deployment id could not be claimed', { error });
      return answerOf(event, { error });
    },
  );
  // The URL is signed without a content type. `fetch` would send a content type if the body were a string.
  const body = new TextEncoder().encode(JSON.stringify(answer));
  const { ok, status } = await fetch(event.ResponseURL, {
    method: 'PUT',
    body,
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  if (!ok) throw new Error(`CloudFormation's response URL answered with status ${status}`);
}

async function ensured(isDeletion: boolean): Promise<Record<string, string>> {
  if (isDeletion) return {};
  await refuseEarlierConnections(store);
  const wanted = { deploymentId: env.DEPLOYMENT_ID, isNamed: env.DEPLOYMENT_ID_NAMED };
  return { DeploymentId: await ensureDeploymentId(store, wanted) };
}
