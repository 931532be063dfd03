import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INSTANCE_STATUSES, isClosed } from '../../../../functions/model/status.ts';
import {
  type CounterChange,
  counterWrite,
  countInstance,
  countRequested,
  countStep,
  lostIn,
  noChange,
  type Step,
} from '../../../../functions/platform/store/counters.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { openStore } from '../../../../functions/platform/store/store.ts';
import { record } from '../../../samples/records.ts';

const SECONDS = 100;
const failure = { code: 'QuotaExceeded', message: 'no more here' };
const ref = { fleetId: 'f0123456789abcdef', connectionKey: 'sim/default/sim-aws', location: 'us-east-1' };
const store = openStore({ fleets: 'fleets' });

/** Returns what a change adds to each counter, by the counter's path. Leaves out zeros. */
function sumOf({ add }: CounterChange): Record<string, number> {
  return Object.fromEntries(
    [...add.values()].flatMap(({ path, by }) => (by === 0 ? [] : [[path.join('.'), by]])),
  );
}

function counted(...steps: Step[]): Record<string, number> {
  const change = noChange();
  for (const one of steps) countStep(change, one, SECONDS);
  return sumOf(change);
}

const step = (before: Partial<InstanceItem>, after: Partial<InstanceItem>): Step => ({
  before: record(before),
  after: record({ ...before, ...after }),
});

describe('countStep', () => {
  it('a first claim adds an instance in Creating to its placement and its node group', () => {
    expect(counted({ after: record() })).toEqual({ 'counts.Creating': 1, 'groups.web.Creating': 1 });
  });

  it('the price of an instance is counted from the start to the end of its run', () => {
    expect(counted(step({}, { status: 'Running' }))).toEqual({
      'counts.Creating': -1,
      'counts.Running': 1,
      'groups.web.Creating': -1,
      'groups.web.Running': 1,
      microUsdPerHour: 96_000,
      microUsdSeconds: 96_000 * SECONDS,
    });
    const ending = step({ status: 'Terminating', runningSinceSeconds: 10 }, { status: 'Terminated' });
    expect(counted(ending)).toMatchObject({ microUsdPerHour: -96_000, microUsdSeconds: -96_000 * SECONDS });
  });

  it('a reboot does not start a second run, and the end of an instance that never ran changes no price', () => {
    const rebooted = step({ status: 'Rebooting', runningSinceSeconds: 10 }, { status: 'Running' });
    const cancelled = step({ status: 'Terminating' }, { status: 'Terminated' });
    for (const one of [rebooted, cancelled]) expect(counted(one)).not.toHaveProperty('microUsdPerHour');
  });

  it('a change of the price counts from that moment on, and only while the instance is in its run', () => {
    const resized = { microUsdPerHour: 192_000 };
    expect(counted(step({ status: 'Running', runningSinceSeconds: 10 }, resized))).toMatchObject({
      microUsdPerHour: 96_000,
      microUsdSeconds: 96_000 * SECONDS,
    });
    expect(counted(step({ status: 'Suspended' }, resized))).not.toHaveProperty('microUsdPerHour');
  });

  it('an instance is counted as lost when it fails, and its failure code is counted while its machine is removed', () => {
    const failing = { status: 'Terminating', closeAs: 'Failed', failure } as const;
    expect(counted(step({}, failing))).toMatchObject({
      'groups.web.lost1': 1,
      'failureCounts.QuotaExceeded': 1,
    });
    const gone = step(failing, { status: 'Failed' });
    expect(counted(gone)).not.toHaveProperty(['failureCounts.QuotaExceeded']);
    expect(counted(gone)).not.toHaveProperty(['groups.web.lost1']);
    expect(counted(step({}, { status: 'Failed', failure }))).toMatchObject({
      'groups.web.lost1': 1,
      'failureCounts.QuotaExceeded': 1,
    });
  });

  it('an instance that moves to another location or is removed is not counted as lost', () => {
    const leaving = step({}, { status: 'Terminating', closeAs: 'Planned', failure });
    const cancelled = step({}, { status: 'Planned' });
    const removed = step({ status: 'Running' }, { status: 'Terminating' });
    for (const one of [leaving, cancelled, removed]) {
      expect(Object.keys(counted(one)).filter((path) => /lost|failure/.test(path))).toEqual([]);
    }
  });

  it('an instance that was about to move and fails instead is counted as lost', () => {
    const leaving = { status: 'Terminating', closeAs: 'Planned', failure } as const;
    expect(counted(step(leaving, { status: 'Failed' }))).toMatchObject({
      'groups.web.lost1': 1,
      'failureCounts.QuotaExceeded': 1,
    });
  });

  it('the failure count includes a failed instance that is terminated, and excludes a failed instance that is launched again', () => {
    const failed = { status: 'Failed', failure } as const;
    expect(counted(step(failed, { status: 'Terminated' }))).toEqual({
      'counts.Failed': -1,
      'counts.Terminated': 1,
      'groups.web.Failed': -1,
      'groups.web.Terminated': 1,
    });
    for (const status of ['Failed', 'Terminated'] as const) {
      const relaunched = { before: record({ status, failure }), after: record({ round: 2, attempt: 2 }) };
      expect(counted(relaunched)).toEqual({
        [`counts.${status}`]: -1,
        'counts.Creating': 1,
        [`groups.web.${status}`]: -1,
        'groups.web.ended1': -1,
        'groups.web.Creating': 1,
        'failureCounts.QuotaExceeded': -1,
      });
    }
  });

  it('a lost instance is counted under the round in which it was claimed', () => {
    expect(counted(step({ round: 3 }, { status: 'Failed', failure }))).toMatchObject({
      [`groups.web.${lostIn(3)}`]: 1,
    });
  });

  it('regardless of its history, an instance is counted once, under its current status', () => {
    const stage = fc.record({
      status: fc.constantFrom(...INSTANCE_STATUSES),
      closeAs: fc.constantFrom('Terminated', 'Failed', 'Planned', undefined),
      failed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(stage, { minLength: 1, maxLength: 12 }), (stages) => {
        const change = noChange();
        let before: InstanceItem | undefined;
        for (const { status, closeAs, failed } of stages) {
          const after = record({
            status,
            ...(closeAs === undefined ? {} : { closeAs }),
            ...(failed ? { failure } : {}),
          });
          countStep(change, { after, ...(before ? { before } : {}) }, SECONDS);
          before = after;
        }
        const standing = Object.entries(sumOf(change)).filter(([path]) =>
          /^(counts|groups\.web)\.[A-Z]/.test(path),
        );
        expect(Object.fromEntries(standing)).toEqual({
          [`counts.${before?.status}`]: 1,
          [`groups.web.${before?.status}`]: 1,
        });
      }),
    );
  });

  it('a failure code’s count is the number of closed records with that code', () => {
    const life = fc.array(fc.constantFrom('begin', 'fail', 'put away'), { maxLength: 15 });
    fc.assert(
      fc.property(life, (doings) => {
        const change = noChange();
        let now = record();
        countStep(change, { after: now }, SECONDS);
        for (const doing of doings) {
          const { failure: _, ...clean } = now;
          let next: InstanceItem | undefined;
          if (doing === 'begin' && isClosed(now.status)) {
            next = { ...clean, status: 'Creating', round: now.round + 1, attempt: now.attempt + 1 };
          }
          if (doing === 'fail' && !isClosed(now.status)) next = { ...now, status: 'Failed', failure };
          if (doing === 'put away' && now.status === 'Failed') next = { ...now, status: 'Terminated' };
          if (!next) continue;
          countStep(change, { before: now, after: next }, SECONDS);
          now = next;
        }
        expect(sumOf(change)['failureCounts.QuotaExceeded'] ?? 0).toBe(isClosed(now.status) ? 1 : 0);
      }),
    );
  });
});

it('a move subtracts an instance from the counters of the old placement, and adds it to those of the new placement', () => {
  const [leaving, arriving] = [noChange(), noChange()];
  countInstance(leaving, record(), -1);
  countRequested(leaving, -1);
  countInstance(arriving, record({ status: 'Planned' }), 1);
  countRequested(arriving, 1);
  expect(sumOf(leaving)).toEqual({ 'counts.Creating': -1, 'groups.web.Creating': -1, requested: -1 });
  expect(sumOf(arriving)).toEqual({ 'counts.Planned': 1, 'groups.web.Planned': 1, requested: 1 });
});

describe('counterWrite', () => {
  it.each([
    ['there', 'attribute_exists(pk)'],
    [{ openFor: 2 }, 'launching = :on AND #round = :round'],
    [
      { openFor: 2, unblocked: true },
      'launching = :on AND #round = :round AND attribute_not_exists(blocked)',
    ],
  ] as const)('counterWrite turns the condition %j into the expression %s', (condition, expression) => {
    const change = noChange();
    countStep(change, { after: record() }, SECONDS);
    const { Update } = counterWrite(store, ref, change, condition);
    expect(Update?.ConditionExpression).toBe(expression);
    // DynamoDB refuses a write that has a value which no expression uses.
    const used = `${Update?.UpdateExpression} ${expression}`;
    for (const value of Object.keys(Update?.ExpressionAttributeValues ?? {})) {
      expect(used).toMatch(new RegExp(`${value}\\b`));
    }
  });

  it('counterWrite keeps the first 300 characters of a failure message', () => {
    const change = noChange();
    const long = { code: 'CloudFailed', message: 'x'.repeat(2_000) };
    countStep(change, step({}, { status: 'Failed', failure: long }), SECONDS);
    const { Update } = counterWrite(store, ref, change, 'there');
    const words = Object.values(Update?.ExpressionAttributeValues ?? {}).filter(
      (value) => typeof value === 'string',
    );
    expect(words).toEqual(['x'.repeat(300)]);
  });

  it('the update expression for the groups and statuses of a full transaction stays below DynamoDB’s limit', () => {
    const change = noChange();
    for (let group = 0; group < 5; group += 1) {
      const nodeGroup = `group-with-a-name-of-forty-characters-00${group}`;
      for (const status of ['Creating', 'Running', 'Suspended', 'Terminating'] as const) {
        for (const to of ['Running', 'Terminating', 'Failed', 'Terminated'] as const) {
          countStep(change, step({ nodeGroup, status, round: 99 }, { status: to, failure }), SECONDS);
        }
      }
    }
    const { Update } = counterWrite(store, ref, change, 'there');
    expect(Update?.UpdateExpression?.length).toBeLessThan(4_096);
  });
});
