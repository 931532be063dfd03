import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { AuditEntry } from '../../model/audit-entry.ts';
import { logger } from '../../platform/runtime/logger.ts';
import { examineApiKey } from '../../platform/store/api-keys.ts';
import { appendAudit } from '../../platform/store/append-audit.ts';
import type { Store } from '../../platform/store/store.ts';
import { refusalOf, refusedKeyOf, type Seen } from './audit-request.ts';
import type { Problem } from './problem.ts';

/**
 * The latest refusals that this process has written an entry for. A client that repeats a request costs one write a minute
 * for each process, and not one for each request.
 */
const noted = new Set<string>();
const MAX_NOTED = 1_000;

/**
 * Appends the entry of a refused request, if it gets one. A request without valid credentials has an entry only if it names
 * an API key that exists: others cannot fill the log. An error changes nothing about the answer.
 */
export async function noteRefusal(
  store: Store<'access' | 'audit'>,
  event: APIGatewayProxyEventV2,
  seen: Seen,
  problem: Problem,
): Promise<void> {
  try {
    const entry = seen.actor
      ? refusalOf(store.clock.now(), event, seen, problem)
      : await refusedKey(store, event, problem);
    if (!entry || noted.has(entry.id)) return;
    await appendAudit(store, entry);
    if (noted.size >= MAX_NOTED) noted.clear();
    noted.add(entry.id);
  } catch (error) {
    const { requestId } = event.requestContext;
    logger.error('the entry of a refused request could not be written', { requestId, error });
  }
}

async function refusedKey(
  store: Store<'access' | 'audit'>,
  event: APIGatewayProxyEventV2,
  { code }: Problem,
): Promise<AuditEntry | undefined> {
  const [, key] = /^Bearer (\S+)$/i.exec(event.headers['authorization'] ?? '') ?? [];
  const refused = code === 'unauthorized' && key !== undefined ? await examineApiKey(store, key) : undefined;
  return refused && refusedKeyOf(store.clock.now(), event, refused);
}
