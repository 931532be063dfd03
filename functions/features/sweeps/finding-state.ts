import {
  isClosedOrphan,
  isLeftAlone,
  isNeverClaimed,
  type OrphanPolicy,
  type OrphanState,
  type SweepAction,
} from '../../model/orphan.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { OrphanItem } from '../../platform/store/orphans.ts';
import type { Verdict } from './classify.ts';

type Standing = Pick<OrphanItem, 'kind' | 'reason' | 'state' | 'firstSeenAt'>;

/**
 * The state that follows from what a cloud shows, one step at a time. Pure.
 *
 * @param item the finding so far; closed ones count as none
 * @returns undefined when it stays as it is
 */
export function nextState(
  item: Standing | undefined,
  verdict: Verdict,
  policy: OrphanPolicy,
  nowMs: number,
): OrphanState | undefined {
  const open = item && !isClosedOrphan(item.state) ? item : undefined;
  if (verdict.claimed) return open && 'Released';
  if (!open) return 'Quarantined';
  const isToGo = policy.action === 'terminate' && !isLeftAlone(verdict.reason);
  const acted: OrphanState = isToGo ? 'Terminating' : 'Reported';
  if (open.state === 'Quarantined') return isDue(open, verdict, policy, nowMs) ? acted : undefined;
  return open.state === acted ? undefined : acted;
}

function isDue(
  { kind, firstSeenAt }: Standing,
  verdict: Verdict,
  { graceSeconds }: OrphanPolicy,
  nowMs: number,
): boolean {
  if (kind === 'instance' && !verdict.claimed && isNeverClaimed(verdict.reason)) return true;
  return Date.parse(firstSeenAt) + graceSeconds * 1_000 <= nowMs;
}

/** What becomes of an open finding that the cloud shows no more. Only this closes a removal: no answer to it does. */
export function stateWhenGone(state: OrphanState): OrphanState {
  return state === 'Terminating' ? 'Terminated' : 'Gone';
}

/**
 * What becomes of a machine that was missing, by its record as it is now.
 *
 * @param isShown whether the cloud shows it again
 * @returns undefined while nothing is certain
 */
export function stateOfMissing(
  { backendId }: Pick<OrphanItem, 'backendId'>,
  record: InstanceItem | undefined,
  isShown: boolean,
): OrphanState | undefined {
  if (record?.failure?.code === 'Vanished' && record.backendId === backendId) return 'Vanished';
  if (isShown || !record || record.backendId !== backendId) return 'Released';
  return record.status === 'Terminated' || record.status === 'Failed' ? 'Released' : undefined;
}

/** What a sweep does, in a word, that left a finding in this state. */
export function actionOf(state: OrphanState, isNew: boolean): SweepAction {
  switch (state) {
    case 'Quarantined':
      return isNew ? 'quarantine' : 'wait';
    case 'Reported':
      return 'report';
    case 'Terminating':
      return 'terminate';
    case 'Missing':
      return 'look';
    case 'Released':
      return 'release';
    case 'Terminated':
    case 'Gone':
    case 'Vanished':
    case 'Returned':
      return 'close';
  }
}
