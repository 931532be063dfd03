import { readEnv } from '../../../platform/runtime/env.ts';
import { logger } from '../../../platform/runtime/logger.ts';
import { ensureDeploymentId } from '../../../platform/store/deployment.ts';
import { openStore } from '../../../platform/store/store.ts';
import { answerOf, customResourceEventSchema } from './answer-cloudformation.ts';

const env = readEnv(['FLEETS_TABLE', 'DEPLOYMENT_ID', 'DEPLOYMENT_ID_NAMED']);
const store = openStore({ fleets: env.FLEETS_TABLE });

/** Time limit of the answer: `fetch` alone would wait five minutes. If this function fails, Lambda calls it again. */
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Handles a custom resource of the stack. The first deployment writes the deployment id to the table, and
 * later ones check it. A deployment fails if the operator named an id that differs from the one in the table.
 * The deletion of the stack keeps the id, because the tables may remain.
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
