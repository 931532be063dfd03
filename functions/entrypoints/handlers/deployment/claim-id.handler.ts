import { readEnv } from '../../../platform/runtime/env.ts';
import { logger } from '../../../platform/runtime/logger.ts';
import { ensureDeploymentId } from '../../../platform/store/deployment.ts';
import { openStore } from '../../../platform/store/store.ts';
import { answerOf, customResourceEventSchema } from './answer-cloudformation.ts';

const env = readEnv(['FLEETS_TABLE', 'DEPLOYMENT_ID', 'DEPLOYMENT_ID_NAMED']);
const store = openStore({ fleets: env.FLEETS_TABLE });

/**
 * Maximum time of the request that sends the answer, in ms. After it, this function fails, and Lambda calls
 * it again. Without this limit, `fetch` would wait five minutes.
 */
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Handles the custom resource of the stack that claims the deployment id. The first deployment of the stack
 * writes the id to the table, and later deployments compare their id with it. A deployment fails if the
 * operator named an id that differs from the one in the table. The deletion of the stack keeps the id,
 * because the tables may remain.
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
  // The URL is signed without a content type. With a string as body, `fetch` would send a content type.
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
  const wanted = { deploymentId: env.DEPLOYMENT_ID, isNamed: env.DEPLOYMENT_ID_NAMED };
  return { DeploymentId: await ensureDeploymentId(store, wanted) };
}
