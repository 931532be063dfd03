import { describe, expect, it } from 'vitest';
import {
  allowedActions,
  FLEET_ACTIONS,
  type FleetAction,
  fleetActionRequestSchema,
} from '../../../functions/model/fleet-action.ts';
import { FLEET_STATUSES, type FleetStatus } from '../../../functions/model/status.ts';

/**
 * Allowed actions by status, for a fleet with three missing instances, two of which have failed. An execution works on
 * the fleet only in Preparing and Creating.
 */
const TABLE: Record<FleetStatus, FleetAction[]> = {
  Preparing: ['hold', 'abort'],
  Held: ['release', 'withdraw'],
  Creating: ['hold', 'abort'],
  Running: ['retry'],
  PartiallyRunning: ['retry', 'refine'],
  Suspended: [],
  Terminating: [],
  Terminated: [],
  RollingBack: [],
  RolledBack: [],
  Failed: ['retry', 'refine'],
};
const LAUNCHING: readonly FleetStatus[] = ['Preparing', 'Creating'];

describe.each(FLEET_STATUSES)('a fleet that is %s', (status) => {
  const facts = { status, working: LAUNCHING.includes(status), launching: LAUNCHING.includes(status) };

  it.each(FLEET_ACTIONS)(
    `a ${status} fleet allows %s if and only if the table lists the action`,
    (action) => {
      const allowed = allowedActions({ ...facts, missing: 3, failed: 2 });
      expect(allowed.includes(action)).toBe(TABLE[status].includes(action));
    },
  );

  it(`a ${status} fleet allows no retry if no instance is missing, and a refine without a failed instance only to accept a shortfall`, () => {
    expect(allowedActions({ ...facts, missing: 0, failed: 0 })).toEqual(
      TABLE[status].filter((action) => action !== 'retry' && action !== 'refine'),
    );
    expect(allowedActions({ ...facts, missing: 2, failed: 0 })).toEqual(
      TABLE[status].filter((action) => action !== 'refine' || status === 'PartiallyRunning'),
    );
  });

  it(`a ${status} fleet allows no action while instances are removed, unless the fleet is Held`, () => {
    const removing = { status, working: true, launching: false, missing: 3, failed: 2 };
    expect(allowedActions(removing)).toEqual(status === 'Held' ? TABLE.Held : []);
  });
});

describe('an action request', () => {
  it('an action request may have `expiresInSeconds` only with `hold`', () => {
    expect(fleetActionRequestSchema.safeParse({ action: 'hold' }).success).toBe(true);
    expect(fleetActionRequestSchema.safeParse({ action: 'hold', expiresInSeconds: 60 }).success).toBe(true);
    for (const action of FLEET_ACTIONS.filter((one) => one !== 'hold')) {
      expect(fleetActionRequestSchema.safeParse({ action }).success).toBe(true);
      expect(fleetActionRequestSchema.safeParse({ action, expiresInSeconds: 60 }).success).toBe(false);
    }
  });

  it.each([0, 59, 60.5, 30 * 86_400 + 1, -60])('a hold of %d seconds is refused', (expiresInSeconds) => {
    expect(fleetActionRequestSchema.safeParse({ action: 'hold', expiresInSeconds }).success).toBe(false);
  });

  it.each([{}, { action: 'suspend' }, { action: 'hold', more: 1 }])(
    'the action request %j is refused',
    (body) => {
      expect(fleetActionRequestSchema.safeParse(body).success).toBe(false);
    },
  );
});
