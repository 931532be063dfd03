import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import type { FieldError } from '../../model/field-error.ts';
import { connectionKey as connectionKeyOf, parseConnectionKey } from '../../model/identifiers.ts';
import { type GivenNetworks, givenPointer } from '../../model/network-choice.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { updateConnection } from '../../platform/store/update-connection.ts';
import {
  ACK,
  type MessageResult,
  requeueAs,
  timeLeftMs,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { VerifyNetworkMessage } from '../../platform/workflow/messages.ts';
import { faultsOf } from './verify-given.ts';

const PERMIT_WAIT_MS = 5_000;
/** Time that the check of one location may take, in ms. With less time left, another invocation checks the location. */
const LOCATION_MS = 30_000;
const RETRY_MS = 5_000;
/** Time after the request, in ms, for which a location that the cloud does not answer for is asked again. */
const UNREACHABLE_MS = 600_000;
/** Maximum number of errors of one request. Further locations are not checked then. */
const MOST_ERRORS = 50;

type Change = NonNullable<Connection['networkChange']>;
type Checked = { errors: FieldError[] } | { waitMs: number };

/**
 * Verifies the existing networks that a user sets as the default of a connection, at one location after the other. If
 * nothing is wrong with any of them, puts them in force. Otherwise records what is wrong, and the earlier default stays
 * in force. Makes and changes nothing at the cloud.
 */
export async function verifyNetworks(
  context: WorkerContext,
  message: VerifyNetworkMessage,
): Promise<MessageResult> {
  const { connectionKey, changeId, verified = [], errors = [] } = message;
  const connection = await readConnectionOf(context.store, parseConnectionKey(connectionKey));
  const change = connection?.networkChange;
  if (!connection || change?.id !== changeId || change.status !== 'Verifying') return ACK;
  const existing = change.network.mode === 'existing' ? (change.network.existing ?? {}) : {};
  const found = [...errors];
  const done = new Set(verified);
  for (const location of Object.keys(existing).sort()) {
    if (done.has(location) || found.length >= MOST_ERRORS) continue;
    const rest = { ...message, verified: [...done], errors: found };
    if (done.size > verified.length && timeLeftMs(context) < LOCATION_MS) return requeueAs(rest, 0);
    const checked = await check(context, connection, change, { existing, location });
    if ('waitMs' in checked) return requeueAs(rest, checked.waitMs);
    found.push(...checked.errors);
    done.add(location);
  }
  await conclude(context, connection, change, found.slice(0, MOST_ERRORS));
  return ACK;
}

async function check(
  context: WorkerContext,
  connection: Connection,
  { requestedAt }: Change,
  { existing, location }: { existing: GivenNetworks; location: string },
): Promise<Checked> {
  const given = existing[location];
  if (!given) return { errors: [] };
  const base = givenPointer(location).replace(/^\/network/, '');
  try {
    const opened = await context.open(connectionKeyOf(connection));
    const faults = await faultsOf(opened.onTerms({ waitMs: PERMIT_WAIT_MS }), location, given);
    return { errors: faults.map(({ pointer, ...fault }) => ({ pointer: `${base}${pointer}`, ...fault })) };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const { code, message, retryAfterMs = RETRY_MS } = error;
    if (code === 'Throttled' || code === 'NoPermit') return { waitMs: retryAfterMs };
    const isOver = context.store.clock.now() > Date.parse(requestedAt) + UNREACHABLE_MS;
    if ((code === 'Unavailable' || code === 'OutcomeUnknown') && !isOver) return { waitMs: RETRY_MS };
    return { errors: [{ pointer: base, code, message }] };
  }
}

async function conclude(
  context: WorkerContext,
  connection: Connection,
  { id: networkChangeId, ...change }: Change,
  errors: FieldError[],
): Promise<void> {
  const condition = { id: connection.id, deletion: 'none', networkChangeId } as const;
  if (errors.length > 0) {
    const failed = { id: networkChangeId, ...change, status: 'Failed' as const, errors };
    await updateConnection(context.store, connection, { networkChange: failed }, condition);
    return;
  }
  // The rights that a launch needs depend on the network. The message precedes the write: if the worker died between the
  // two, no other worker would send it.
  await context.send({ kind: 'verify', connectionKey: connectionKeyOf(connection), sync: false }, 1_000);
  await updateConnection(
    context.store,
    connection,
    { network: change.network },
    { ...condition, remove: ['networkChange'] },
  );
}
