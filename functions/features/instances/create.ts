import pLimit from 'p-limit';
import { type CreateOutcome, has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient, CloudInstance, InstanceSpec } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import type { Feedback } from '../../platform/governor/blocks.ts';
import { recordFeedback, type ThrottledCreate } from '../../platform/governor/create-feedback.ts';
import { gathered } from '../../platform/runtime/gathered.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import {
  ACK,
  type CallTerms,
  governed,
  type MessageResult,
  type OpenConnection,
  requeueAfter,
  requeueAs,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import { markRefused } from '../connections/mark-failed.ts';
import { mayAnswer, proofTerms } from '../ownership/prove-machine.ts';
import { adopt } from './adopt.ts';
import { handleFailure, type Outcome } from './failure-handling.ts';
import { instanceSpec } from './instance-spec.ts';
import { callsOf, withKeptKeys } from './keys-of-calls.ts';
import { failInstances } from './outcomes.ts';
import { type Created, recordRunning } from './record-running.ts';
import { type Recount, recountLate } from './recount-late.ts';
import { splitCall } from './split-call.ts';

/** Maximum number of concurrent create calls. The governor has permitted each call. */
export const CONCURRENT_CALLS = 40;

/** A claimed record with its create request. */
interface Wanted {
  record: InstanceItem;
  spec: InstanceSpec;
}

/** Outcome of the create call of one record. */
interface Made {
  record: InstanceItem;
  outcome: Outcome;
  /** The cloud's answer. Absent: no call was made. */
  answer?: CreateOutcome;
  calledAtMs?: number;
  /** The same text for all records of one call for several machines. Absent: the call was for one machine. */
  call?: string;
  /** True if the cloud refused a call for several machines, and a smaller call follows. */
  isCallTooLarge?: boolean;
}

/** The parts of the governor's answer that are needed for the feedback about the calls. */
export interface Permitted {
  wanted: ReadonlyMap<string, WantedCreate>;
  /** Instance id → id of the permitted call; see `CreateDecision`. */
  calls: ReadonlyMap<string, string>;
  /** Time at which the governor counted the calls, in ms since 1970. */
  decidedAtMs: number;
  isBlocked: boolean;
}

/**
 * Makes the create calls of claimed records, and writes each outcome to its record. If the cloud can create
 * several machines in one call, similar requests share a call.
 *
 * @returns the message result of each launch, by instance id
 */
export async function createInstances(
  context: WorkerContext,
  site: SiteRef,
  records: readonly InstanceItem[],
  permitted: Permitted,
): Promise<Map<string, MessageResult>> {
  if (records.length === 0) return new Map();
  const wanted: Wanted[] = [];
  const outcomes: Made[] = [];
  for (const record of records) {
    const spec = await instanceSpec(context, record);
    if ('failure' in spec) outcomes.push({ record, outcome: spec });
    else wanted.push({ record, ...spec });
  }
  // Start polling before the calls. If this worker dies during the calls, a poll finds the machines that the
  // calls created.
  await startPolling(context, site);
  const opened = await context.open(site.connectionKey);
  const { client } = opened;
  const batches = withPermits(
    withKeptKeys(client, callsOf(opened, site.location, wanted, permitted.calls)),
    permitted.calls,
  );
  const limit = pLimit(CONCURRENT_CALLS);
  const recount = recountLate(context, site, opened, permitted.decidedAtMs);
  // Some clouds answer a create call only when the machine runs. Many such answers may arrive together. The
  // worker gathers these answers and writes them together, because separate writes would conflict at the
  // placement's counters and at the slots.
  const recordThose = gathered((created: readonly Created[]) => recordRunning(context, created));
  const made = await Promise.allSettled(
    batches.map(({ batch, isPermitted }) =>
      limit(() => createBatch(context, site, opened, batch, { isPermitted, recount, recordThose })),
    ),
  );
  // If one call has thrown an error, record the outcomes of the other calls first.
  outcomes.push(...made.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])));
  const starts = await giveFeedback(context, site, opened, outcomes, permitted);
  await failInstances(
    context,
    outcomes.flatMap(({ record, outcome }) =>
      'failure' in outcome ? [{ record, failure: outcome.failure }] : [],
    ),
  );
  await startPolling(context, site);
  const broken = made.find((one) => one.status === 'rejected');
  if (broken) throw broken.reason;
  const nowMs = context.store.clock.now();
  const results = new Map<string, MessageResult>();
  for (const { record, outcome } of outcomes) {
    const startMs = starts.get(record.instanceId);
    const settled = 'failure' in outcome ? ACK : outcome.result;
    results.set(record.instanceId, startMs === undefined ? settled : requeueAfter(startMs - nowMs));
  }
  for (const together of throttledTogether(outcomes, starts)) {
    const [first, ...others] = together;
    if (!first) continue;
    const { fleetId, index, round, connectionKey, location } = first;
    const message = { kind: 'launch' as const, fleetId, index, round, connectionKey, location };
    const waitMs = (starts.get(first.instanceId) ?? nowMs) - nowMs;
    results.set(first.instanceId, requeueAs({ ...message, others: others.map((one) => one.index) }, waitMs));
    for (const { instanceId } of others) results.set(instanceId, ACK);
  }
  return results;
}

/**
 * Returns the records of each throttled call for several machines. One message carries their launches, because the
 * queue might deliver several messages to different workers, which would make several calls.
 */
function throttledTogether(outcomes: readonly Made[], starts: ReadonlyMap<string, number>): InstanceItem[][] {
  const shared = outcomes.filter(({ record, call }) => call !== undefined && starts.has(record.instanceId));
  const calls = Map.groupBy(shared, ({ call }) => call);
  return [...calls.values()]
    .map((made) => made.map(({ record }) => record))
    .filter(({ length }) => length > 1);
}

/**
 * Sends feedback about the results of the calls to the governor.
 *
 * @returns the times at which throttled create calls may be sent again, by instance id
 */
async function giveFeedback(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  outcomes: readonly Made[],
  { wanted, isBlocked }: Permitted,
): Promise<Map<string, number>> {
  const throttled = outcomes.flatMap(({ record, answer, calledAtMs = 0, call }): ThrottledCreate[] =>
    answer && 'error' in answer && answer.error.code === 'Throttled'
      ? [
          {
            instanceId: record.instanceId,
            calledAtMs,
            ...(call === undefined ? {} : { call }),
            retryAfterMs: answer.error.retryAfterMs,
            limitPerSecond: answer.error.limitPerSecond,
            meter: answer.error.meter,
          },
        ]
      : [],
  );
  const feedback = outcomes.flatMap(({ record, answer, isCallTooLarge }): Feedback[] => {
    const wants = wanted.get(record.instanceId);
    if (!answer || !wants) return [];
    if (!('error' in answer)) return isBlocked ? [{ kind: 'accepted', wanted: wants }] : [];
    return isCallTooLarge ? [] : feedbackOf(answer.error, wants);
  });
  // If every call has failed as Unavailable, the governor gets this feedback once for all calls.
  const asked = outcomes.flatMap(({ answer }) => (answer ? [answer] : []));
  const isDown = asked.length > 0 && asked.every((one) => 'error' in one && one.error.code === 'Unavailable');
  if (isDown) feedback.push({ kind: 'unavailable' });
  if (feedback.length === 0 && throttled.length === 0) return new Map();
  return await recordFeedback(context.store, governed(site, opened), feedback, throttled);
}

/**
 * Returns the feedback about one refused call. The result never reports an outage. The caller reports an
 * outage if every call has failed as Unavailable.
 */
function feedbackOf({ code, message, quota, scope }: DriverError, wanted: WantedCreate): Feedback[] {
  if (scope === 'zone') return [{ kind: 'no-capacity', wanted }];
  switch (code) {
    case 'InsufficientCapacity':
      return [{ kind: 'no-capacity', wanted }];
    case 'QuotaExceeded':
      return [{ kind: 'no-quota', wanted, message, quota, isAlone: scope === 'launch' }];
    case 'Throttled':
    case 'Unavailable':
    case 'OutcomeUnknown':
    case 'NotFound':
    case 'Conflict':
    case 'InvalidRequest':
    case 'Unsupported':
    case 'Unauthorized':
    case 'NoPermit':
      return [];
    case 'Forbidden':
      // A denial of one request, for instance of its image, says nothing about other launches.
      return scope === 'launch' ? [] : [{ kind: 'denied', wanted, message }];
  }
}

/** Maximum time for which a call waits for a permit, if its launches were permitted as a part of another call. */
const FURTHER_MS = 5_000;

/**
 * Tells which calls have a permit. Launches that the governor permitted as one call may need several calls, for example
 * because their requests differ. Each further call then needs a permit of its own.
 */
function withPermits(batches: readonly Wanted[][], permitted: ReadonlyMap<string, string>) {
  const used = new Set<string>();
  return batches.map((batch) => {
    const id = batch[0]?.record.instanceId ?? '';
    const call = permitted.get(id) ?? id;
    const isPermitted = !used.has(call);
    used.add(call);
    return { batch, isPermitted };
  });
}

/** Terms of one call, and what the calls of one worker share. */
interface Around {
  /** False if the launches were permitted as a part of another call. */
  isPermitted: boolean;
  recount: Recount;
  recordThose: (created: readonly Created[]) => Promise<Set<string>>;
}

async function createBatch(
  context: WorkerContext,
  site: SiteRef,
  { client, connection, onTerms }: OpenConnection,
  batch: readonly Wanted[],
  { isPermitted, recount, recordThose }: Around,
): Promise<Made[]> {
  const tooLate = isPermitted ? await recount(batch.length) : undefined;
  const calledAtMs = context.store.clock.now();
  const specs = batch.map(({ spec }) => spec);
  const told = tooLate
    ? batch.map(() => ({ error: tooLate }))
    : await ask(onTerms(termsOf(batch.length, isPermitted)), specs);
  const terms = proofTerms(context.driver, client);
  const answers = told.map((answer, at): CreateOutcome => {
    const record = batch[at]?.record;
    if ('error' in answer || !record) return answer;
    const shown = { machine: answer.instance, location: site.location, atMs: context.store.clock.now() };
    return mayAnswer(shown, record, terms) ? answer : { error: notOurs(answer.instance) };
  });
  const refused = answers.flatMap((answer) =>
    'error' in answer && answer.error.code === 'Unauthorized' ? [answer.error] : [],
  );
  // Mark the credential as rejected only once per call, even if the call was for several instances.
  const [refusal] = refused;
  if (refusal) await markRefused(context, connection, { code: refusal.code, message: refusal.message });
  const running = await recordThose(
    batch.flatMap(({ record }, at) => {
      const answer = answers[at];
      return answer && 'instance' in answer ? [{ record, machine: answer.instance }] : [];
    }),
  );
  const [first] = batch;
  const shared = batch.length > 1 && first ? { call: first.record.launchToken } : {};
  return await Promise.all(
    batch.map(async ({ record }, at): Promise<Made> => {
      const answer = answers[at] ?? {
        error: new DriverError('OutcomeUnknown', 'the driver reported no outcome'),
      };
      if ('error' in answer) {
        const { code, message } = answer.error;
        const smaller = await splitCall(context, record, answer.error, batch.length);
        if (smaller) return { record, answer, calledAtMs, outcome: smaller, isCallTooLarge: true };
        const outcome = isNotOurs(answer.error)
          ? { failure: { code, message } }
          : await handleFailure(context, record, answer.error, batch.length);
        return { record, answer, calledAtMs, outcome, ...shared };
      }
      const made = { record, answer, calledAtMs, outcome: { result: ACK } };
      if (running.has(record.instanceId)) return made;
      await adopt(context, record, answer.instance);
      return made;
    }),
  );
}

const termsOf = (machines: number, isPermitted: boolean): CallTerms =>
  isPermitted ? { creates: { calls: 1, machines } } : { creates: { calls: 0, machines }, waitMs: FURTHER_MS };

const NOT_OURS = 'AnotherMachine';

/**
 * Returns the error for an answer that shows a machine of another call. The cloud has bound the launch token
 * to that machine, and creates no second machine with this token.
 */
function notOurs({ backendId }: CloudInstance): DriverError {
  const message = `the cloud answered with machine ${backendId}, which another call created`;
  return new DriverError('Conflict', message, { cloudCode: NOT_OURS });
}

const isNotOurs = ({ code, cloudCode }: DriverError): boolean =>
  code === 'Conflict' && cloudCode === NOT_OURS;

async function ask(client: CloudClient, specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
  const [only] = specs;
  if (specs.length > 1 && has(client, 'batch-create')) return await client.createInstances(specs);
  if (!only) return [];
  try {
    return [{ instance: await client.createInstance(only) }];
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return [{ error }];
  }
}
