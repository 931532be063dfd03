import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  endProvisioning,
  ProvisioningInterrupted,
} from '../../../../functions/features/fleets/end-provisioning.ts';
import type { ExecutionRef } from '../../../../functions/features/fleets/workflows.ts';
import { readFleetItem } from '../../../../functions/platform/store/fleets.ts';
import { FLEET, giveUpOf, launchOf, OneFleet, type OneFleetOptions } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
let started: ExecutionRef[];
let warnings: string[];
afterEach(() => fleet.end());
beforeEach(() => {
  started = [];
  warnings = [];
});

/** Opens a fleet whose only launch has failed, or runs. */
async function open(isRunning: boolean, failurePolicy: OneFleetOptions['failurePolicy']): Promise<void> {
  fleet = await OneFleet.open({ ...(failurePolicy ? { failurePolicy } : {}) });
  fleet.send(isRunning ? launchOf(0) : giveUpOf(0), 0);
  await fleet.until(() => fleet.outcomes.size > 0);
}

const end = (interruptedBy?: string, start: (ref: ExecutionRef) => Promise<void> = begin) =>
  endProvisioning(
    {
      store: { ...fleet.store, tables: { ...fleet.store.tables, history: 'history' } },
      removals: { start },
      log: { warn: (message) => void warnings.push(message) },
    },
    { fleetId: FLEET, execution: 1, interruptedBy },
  );
const begin = (ref: ExecutionRef) => Promise.resolve(void started.push(ref));

describe('endProvisioning', () => {
  it('a fleet whose instances run is settled, and its outcomes are recorded', async () => {
    await open(true, 'rollback');
    expect(await end()).toEqual({ status: 'Running' });
    expect(started).toEqual([]);
    expect(fleet.items('history')).toMatchObject([{ requested: 1, running: 1, failed: {} }]);
  });

  it.each([
    ['rollback', 'RollingBack', 'remove'],
    ['refine', 'Creating', 'refine'],
  ] as const)(
    'the removal that the policy %s requires is started in an execution of its own, and a second run starts the same',
    async (policy, status, work) => {
      await open(false, policy);
      const answer = await end();
      expect(answer).toMatchObject({ status, removal: { fleetId: FLEET, execution: 2 } });
      expect(await end()).toEqual(answer);
      const removal = { work, fleetId: FLEET, execution: 2 };
      expect(started).toEqual([removal, removal]);
      expect(fleet.items('history')).toMatchObject([{ requested: 1, running: 0, failed: { Timeout: 1 } }]);
    },
  );

  it('if the removal cannot be started, the outcomes are recorded all the same, and the work stays written', async () => {
    await open(false, 'rollback');
    const refuse = () => Promise.reject(new Error('ExecutionLimitExceeded'));
    expect(await end(undefined, refuse)).toMatchObject({ status: 'RollingBack' });
    expect(warnings).toEqual(['the removal was not started: the reconciler starts it']);
    expect(await readFleetItem(fleet.store, FLEET)).toMatchObject({ work: 'remove', execution: 2 });
    expect(fleet.items('history')).toHaveLength(1);
  });

  it('an execution that was interrupted fails after the fleet is settled, its removal started and its outcomes recorded', async () => {
    await open(false, 'rollback');
    await expect(end('States.Timeout')).rejects.toThrow(new ProvisioningInterrupted('States.Timeout'));
    expect(started).toHaveLength(1);
    expect(fleet.items('history')).toHaveLength(1);
  });
});
