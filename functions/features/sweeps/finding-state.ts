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
 * Returns the next state of a finding about a machine or network resource that the cloud shows. Pure.
 *
 * @param item the stored finding; a closed finding is ignored
 * @returns undefined if the state does not change
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

/**
 * Returns the next state of an open finding whose machine or network resource the cloud no longer shows. The
 * answer to the removal call does not close a finding.
 */
export function stateWhenGone(state: OrphanState): OrphanState {
  return state === 'Terminating' ? 'Terminated' : 'Gone';
}

/**
 * Returns the next state of a finding about a missing machine, from the current record.
 *
 * @param isShown true if the cloud shows the machine again
 * @returns undefined if the state is not certain yet
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

/** Returns the name of the sweep's action that led to a finding's state. */
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
