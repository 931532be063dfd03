import { expect, it } from 'vitest';
import { cameFirst, judgeMarks, MARK_LIVES_MS } from '../../../../functions/features/writers/judge-marks.ts';

const NOW = 100 * MARK_LIVES_MS;
/** Returns the mark of a deployment, which shows in a cloud account that the deployment uses the account. */
const mark = (writerId: string, sinceMs: number, renewedAtMs = NOW) => ({ writerId, sinceMs, renewedAtMs });

it('of several other live deployments, judgeMarks returns the deployment that began first', () => {
  const marks = [mark('own', 5), mark('late', 9), mark('early', 7)];
  expect(judgeMarks(marks, 'own', NOW)).toEqual({ own: marks[0], other: marks[2], stale: [] });
});

it('a deployment’s mark is stale if it was not renewed for a day', () => {
  const old = mark('old', 1, NOW - MARK_LIVES_MS);
  expect(judgeMarks([old], 'own', NOW)).toEqual({ own: undefined, other: undefined, stale: [old] });
});

it('a deployment’s mark is stale if it was not renewed after an operator continued the sweeps', () => {
  const seen = mark('other', 1, NOW - 10);
  expect(judgeMarks([seen], 'own', NOW, NOW - 10).stale).toEqual([seen]);
  expect(judgeMarks([seen], 'own', NOW, NOW - 11).other).toEqual(seen);
});

it('of two deployments that began at the same moment, the deployment with the lower writer id counts as the first', () => {
  expect(cameFirst(mark('a', 5), mark('b', 5))).toBe(true);
  expect(cameFirst(mark('b', 5), mark('a', 5))).toBe(false);
  expect(cameFirst(mark('b', 4), mark('a', 5))).toBe(true);
});
