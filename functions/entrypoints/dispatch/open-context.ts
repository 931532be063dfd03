import type { Driver } from '../../drivers/contract/driver.ts';
import { parameterBeat } from '../../platform/deployment/parameter-beat.ts';
import {
  openEventBridgeClient,
  openSfnClient,
  openSqsClient,
  openSsmClient,
} from '../../platform/runtime/aws-clients.ts';
import type { Env } from '../../platform/runtime/env.ts';
import { logger } from '../../platform/runtime/logger.ts';
import { readCredential } from '../../platform/secrets/stored-credentials.ts';
import { ensureDeploymentId } from '../../platform/store/deployment.ts';
import { openStore } from '../../platform/store/store.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { openEvents } from '../../platform/worker/events.ts';
import { makeContext } from '../../platform/worker/make-context.ts';
import { openQueue } from '../../platform/worker/message-queue.ts';
import { openTasks } from '../../platform/worker/tasks.ts';

export const WORKER_ENV = [
  'DEPLOYMENT_ID',
  'DEPLOYMENT_ID_NAMED',
  'WRITER_ID',
  'DRIVER_TIMEOUT_SECONDS',
  'NETWORK_GRACE_SECONDS',
  'NETWORK_POOL',
  'FLEETS_TABLE',
  'GOVERNOR_TABLE',
  'CATALOGUE_TABLE',
  'ACCESS_TABLE',
  'AUDIT_TABLE',
  'QUEUE_URLS',
  'SECRETS_PREFIX',
] as const;

/** Opens the context of one driver's function. Called once per process. */
export function openContext(driver: Driver, env: Env<(typeof WORKER_ENV)[number]>): WorkerContext {
  const queueUrls: Readonly<Record<string, string | undefined>> = env.QUEUE_URLS;
  const queueUrl = queueUrls[driver.name];
  if (queueUrl === undefined) throw new Error(`QUEUE_URLS has no queue of driver ${driver.name}`);
  const ssm = openSsmClient();
  const store = openStore({
    fleets: env.FLEETS_TABLE,
    governor: env.GOVERNOR_TABLE,
    catalogue: env.CATALOGUE_TABLE,
    access: env.ACCESS_TABLE,
    audit: env.AUDIT_TABLE,
  });
  const wanted = { deploymentId: env.DEPLOYMENT_ID, isNamed: env.DEPLOYMENT_ID_NAMED };
  return makeContext({
    store,
    driver,
    writerId: env.WRITER_ID,
    outside: parameterBeat(ssm, env.SECRETS_PREFIX),
    readDeploymentId: () => ensureDeploymentId(store, wanted),
    timeLimitMs: env.DRIVER_TIMEOUT_SECONDS * 1_000,
    sharedNetworks: { graceMs: env.NETWORK_GRACE_SECONDS * 1_000, pool: env.NETWORK_POOL },
    readCredential: (connection) => readCredential(ssm, env.SECRETS_PREFIX, connection),
    ...openQueue(openSqsClient(), queueUrl),
    tasks: openTasks(openSfnClient()),
    publish: openEvents(openEventBridgeClient()),
    log: logger,
  });
}
