/** One replacement in a source file. `find` must occur there exactly once. */
export interface Edit {
  /** Path from the root of the repository. */
  file: string;
  find: string;
  replace: string;
}

export interface Mutant {
  name: string;
  edits: readonly Edit[];
}

/**
 * Each mutant breaks one rule of the product's code. With the mutant, the run of at least one seed must
 * report a violation.
 */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no-lookup-after-unknown',
    edits: [
      {
        file: 'functions/features/instances/next-step.ts',
        find: `      if (waitedFor === sinceMs) return { step: 'look-up', record };
      const waitMs = Math.max(times.consistencyWindowMs, pauseAfter(record.unknownAnswer));
      return { step: 'wait', waitMs, marks: { waitedFor: sinceMs } };`,
        replace: `      return { step: 'create', record };`,
      },
    ],
  },
  {
    name: 'record-after-call',
    edits: [
      {
        file: 'functions/features/instances/claim.ts',
        find: `await applyChanges(
      context,
      claims.map(({ attempt, record }) => ({
        kind: 'claim',
        record,
        ...(attempt.record ? { replaces: attempt.record } : {}),
      })),
    );`,
        replace: `{ applied: claims.map(({ record }) => record.instanceId), stoppedByGate: false };`,
      },
      {
        file: 'functions/features/instances/create.ts',
        find: `      await adopt(context, record, answer.instance);`,
        replace: `      await applyChanges(context, [{ kind: 'claim', record }]);
      await adopt(context, record, answer.instance);`,
      },
      {
        file: 'functions/features/instances/create.ts',
        find: `import { failInstances } from './outcomes.ts';`,
        replace: `import { applyChanges, failInstances } from './outcomes.ts';`,
      },
    ],
  },
  {
    name: 'claim-without-condition',
    edits: [
      {
        file: 'functions/platform/store/transition.ts',
        find: `{ ConditionExpression: 'attribute_not_exists(pk)' }`,
        replace: '{}',
      },
    ],
  },
  {
    name: 'slot-released-before-running',
    edits: [
      {
        file: 'functions/features/instances/create.ts',
        find: `      await adopt(context, record, answer.instance);`,
        replace: `      await adopt(context, record, answer.instance);
      await releaseSlots(context.store, site, [{ instanceId: record.instanceId }]);`,
      },
      {
        file: 'functions/features/instances/create.ts',
        find: `import { failInstances } from './outcomes.ts';`,
        replace: `import { releaseSlots } from '../../platform/governor/release-slots.ts';
import { failInstances } from './outcomes.ts';`,
      },
    ],
  },
  {
    name: 'slot-given-twice',
    edits: [
      {
        file: 'functions/platform/governor/permit-creates.ts',
        find: `    limits,
    nowMs,
    wanted,
    turn !== undefined,`,
        replace: `    {
      ...limits,
      concurrentInstancesPerLocation: (limits.concurrentInstancesPerLocation ?? 0) + released.length,
    },
    nowMs,
    wanted,
    turn !== undefined,`,
      },
    ],
  },
  {
    name: 'line-left-before-launch-is-sent',
    edits: [
      {
        file: 'functions/features/launch-queue/free-slots.ts',
        find: `  await Promise.all(inCalls(leaving).map(({ message, waitMs }) => context.send(message, waitMs)));
  await removeFromQueue(
    store,
    leaving.map(({ item }) => item),
  );`,
        replace: `  await removeFromQueue(
    store,
    leaving.map(({ item }) => item),
  );
  await Promise.all(inCalls(leaving).map(({ message, waitMs }) => context.send(message, waitMs)));`,
      },
    ],
  },
  {
    name: 'step-answered-while-instances-move',
    edits: [
      {
        file: 'functions/platform/store/completeness.ts',
        find: `  return settledCount({ round, counts, groups }) === requested;`,
        replace: `  return (counts.Creating ?? 0) === 0 || settledCount({ round, counts, groups }) === requested;`,
      },
    ],
  },
  {
    name: 'counters-ignore-closing',
    edits: [
      {
        file: 'functions/platform/store/counters.ts',
        find: `  if (isMoving(record)) bump(change, ['groups', record.nodeGroup, MOVING], by);`,
        replace: `  if (isMoving(record) && by > 0) bump(change, ['groups', record.nodeGroup, MOVING], by);`,
      },
    ],
  },
  {
    name: 'tags-prove-ownership',
    edits: [
      {
        file: 'functions/features/ownership/prove-machine.ts',
        find: `  if (!record) return 'unproven';
  const { machine, location } = shown;`,
        replace: `  if (record) return 'proven';
  const { machine, location } = shown;
  if (!record) return 'unproven';`,
      },
    ],
  },
  {
    name: 'vanished-is-final',
    edits: [
      {
        file: 'functions/features/ownership/returning.ts',
        find: `  return hasVanished(record, machine) && record.endAskedAtMs === undefined;`,
        replace: `  return hasVanished(record, machine) && record.status === 'Planned';`,
      },
    ],
  },
  {
    name: 'empty-list-believed',
    edits: [
      {
        file: 'functions/features/poller/poll-site.ts',
        find: `const isDoubted = isDoubtful(snapshot) && `,
        replace: `const isDoubted = (false as boolean) && `,
      },
    ],
  },
  {
    name: 'sweep-without-grace',
    edits: [
      {
        file: 'functions/features/sweeps/finding-state.ts',
        find: `  return Date.parse(firstSeenAt) + graceSeconds * 1_000 <= nowMs;`,
        replace: `  return true;`,
      },
    ],
  },
  {
    name: 'sweep-without-cap',
    edits: [
      {
        file: 'functions/features/sweeps/sweep-cap.ts',
        find: `const room = item.hold ? 0 : Math.max(0, most - recent.length);`,
        replace: `const room = counted.length;`,
      },
    ],
  },
  {
    name: 'restore-not-noticed',
    edits: [
      {
        file: 'functions/platform/deployment/beat.ts',
        find: `((outside ?? 0) > inside.beat ? 1 : 0)`,
        replace: `((outside ?? 0) > inside.beat ? 0 : 0)`,
      },
    ],
  },
  {
    name: 'marks-of-others-ignored',
    edits: [
      {
        file: 'functions/features/writers/keep-mark.ts',
        find: `if (before.other && !before.own) return { alone: false, other: before.other, isOurs: false };`,
        replace: `if (before.other && !before.own) return { alone: true };`,
      },
    ],
  },
  {
    name: 'account-not-compared',
    edits: [
      {
        file: 'functions/features/connections/compare-account.ts',
        find: `return account === told.account ? 'same' : 'another';`,
        replace: `return 'same';`,
      },
    ],
  },
  {
    name: 'terminate-trusts-answer',
    edits: [
      {
        file: 'functions/features/poller/reconcile-site.ts',
        find: `  if (observed.picked.withDeadlines) {`,
        replace: `  const asked = observed.found.filter(({ finding }) => finding.action === 'terminate');
  await applyChanges(context,
    asked.map(({ record }) => ({ kind: 'change', record, to: record.closeAs ?? 'Terminated' })),
  );
  if (observed.picked.withDeadlines) {`,
      },
      {
        file: 'functions/features/poller/reconcile-site.ts',
        find: `import { takeBackUnclaimed } from '../instances/take-back.ts';`,
        replace: `import { applyChanges } from '../instances/outcomes.ts';
import { takeBackUnclaimed } from '../instances/take-back.ts';`,
      },
    ],
  },
  {
    name: 'delete-looks-before-marking',
    edits: [
      {
        file: 'functions/features/connections/delete-connection.ts',
        find: `    const marked = await markConnection(store, known);`,
        replace: `    const wasUsed = await hasLiveFleets(store, namespace, name);
    const marked = await markConnection(store, known);`,
      },
      {
        file: 'functions/features/connections/delete-connection.ts',
        find: `await findObstacle(deps, marked, terms);`,
        replace: `await findObstacle(deps, marked, terms, wasUsed);`,
      },
      {
        file: 'functions/features/connections/delete-connection.ts',
        find: `  { unless, forgetDisks = false }: DeletionTerms,
): Promise<Exclude`,
        replace: `  { unless, forgetDisks = false }: DeletionTerms,
  wasUsed: boolean,
): Promise<Exclude`,
      },
      {
        file: 'functions/features/connections/delete-connection.ts',
        find: `if (await hasLiveFleets(store, namespace, name)) return 'in-use';`,
        replace: `if (wasUsed) return 'in-use';`,
      },
    ],
  },
  {
    name: 'secret-before-record',
    edits: [
      {
        file: 'functions/features/connections/keep-credential.ts',
        find: `  const made = (await createConnection(store, wanted)) ?? (await replaceUnfinished(store, wanted));
  if (!made) return undefined;
  return await keepCredential(deps, made, credential, (version) => ({ credentialVersion: version }));`,
        replace: `  const id = makeConnectionId(store.clock.now(), store.random);
  const credentialVersion = await putCredential(deps.ssm, deps.secretsPrefix, { ...wanted, id }, credential);
  return await createConnection(store, { ...wanted, id, credentialVersion });`,
      },
      {
        file: 'functions/features/connections/keep-credential.ts',
        find: `import type { Store } from '../../platform/store/store.ts';`,
        replace: `import { makeConnectionId } from '../../model/identifiers.ts';
import type { Store } from '../../platform/store/store.ts';`,
      },
      {
        file: 'functions/platform/store/connections.ts',
        find: `{ ...connection, id: makeConnectionId(store.clock.now(), store.random) };`,
        replace: `{ id: makeConnectionId(store.clock.now(), store.random), ...connection };`,
      },
    ],
  },
  {
    name: 'counter-outside-transaction',
    edits: [
      {
        file: 'functions/platform/store/transition.ts',
        find: `      const refusals = await transactWrite(store, [
        counterWrite(store, placement, counters, conditionOf(rest)),
        ...items,
        ...seats.map((one) => seatWrite(store, one)),
      ]);`,
        replace: `      const refusals = (await transactWrite(store, items)).map((one) => ({ ...one, at: one.at + 1 }));
      const count = counterWrite(store, placement, counters, conditionOf(rest));
      if (refusals.length === 0) await transactWrite(store, [count]);`,
      },
    ],
  },
  {
    name: 'lease-without-expiry',
    edits: [
      {
        file: 'functions/features/networks/ensure-resource.ts',
        find: `  if (item.claimUntilMs > nowMs) return`,
        replace: `  if (item.claimUntilMs > 0) return`,
      },
      {
        file: 'functions/features/networks/remove-resource.ts',
        find: `  if (item.claimUntilMs > nowMs) return`,
        replace: `  if (item.claimUntilMs > 0) return`,
      },
    ],
  },
  {
    name: 'token-reused-across-attempts',
    edits: [
      {
        file: 'functions/model/identifiers.ts',
        find: '{attempt}`;',
        replace: '{1}`;',
      },
    ],
  },
  {
    name: 'policy-ignores-instance-failure',
    edits: [
      {
        file: 'functions/features/fleets/verdict.ts',
        find: `(aborted || !enough)) return { next: 'rollback' };`,
        replace: `(aborted || (!enough && running === 0))) return { next: 'rollback' };`,
      },
    ],
  },
  {
    name: 'binding-overwritten',
    edits: [
      {
        file: 'functions/platform/store/transition.ts',
        find: `updateIfUnchanged(store, fieldUpdate(store, record, fields, unchanged(record)))`,
        replace: `updateIfUnchanged(
    store,
    fieldUpdate(store, record, fields, {
      ConditionExpression: '#status = :from AND attempt = :fromAttempt',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':from': record.status, ':fromAttempt': record.attempt },
    }),
  )`,
      },
    ],
  },
  {
    name: 'slot-taken-from-the-silent',
    edits: [
      {
        file: 'functions/features/instances/fence-claims.ts',
        find: `        ? await updateInstance(context.store, record, { claimUntilMs: record.claimUntilMs + 1 })
        : await fenceFirstClaim(context, site, ref);`,
        replace: `        ? updateInstance !== undefined
        : fenceFirstClaim !== undefined;`,
      },
      {
        file: 'functions/platform/governor/slots.ts',
        find: `      return !over.has(id) || (knownMs !== undefined && knownMs !== startMs);`,
        replace: `      return !over.has(id) || knownMs === Infinity;`,
      },
      {
        file: 'functions/features/poller/abandoned-slots.ts',
        find: `export const UNCLAIMED_SLOT_MS = 120_000;`,
        replace: `export const UNCLAIMED_SLOT_MS = 10_000;`,
      },
    ],
  },
  {
    name: 'network-removed-under-its-users',
    edits: [
      {
        file: 'functions/platform/store/shared-networks.ts',
        find: `#users = :none AND joins = :joins`,
        replace: `#users >= :none AND joins >= :joins`,
      },
      {
        file: 'functions/features/networks/remove-unused.ts',
        find: `isHead(item) && item.users === 0 &&`,
        replace: `isHead(item) && item.users >= 0 &&`,
      },
    ],
  },
  {
    name: 'on-demand-seat-without-condition',
    edits: [
      {
        file: 'functions/platform/store/on-demand-seats.ts',
        find: `most < 0 ? 'taken <= :most' : 'attribute_not_exists(taken) OR taken <= :most'`,
        replace: `'attribute_not_exists(taken) OR taken <= :most OR taken > :most'`,
      },
    ],
  },
];

export class MutationError extends Error {
  override readonly name = 'MutationError';
}

/** Returns the source after the edit. @throws MutationError if `find` does not occur exactly once */
export function mutate(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2) {
    throw new MutationError(
      `${file}: the text of \`find\` occurs ${parts.length - 1} times, but it must occur exactly once:\n${find}`,
    );
  }
  return parts.join(replace);
}
