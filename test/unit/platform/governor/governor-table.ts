import { limitOverrideSchema } from '../../../../functions/model/limit-profile.ts';
import { limitProfileOf } from '../../../../functions/model/limits-in-force.ts';
import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../chaos/models/dynamo/dynamo.ts';
import { Table } from '../../../chaos/models/dynamo/table.ts';

export const NOON = Date.parse('2026-01-01T12:00:00Z');

/** Creates a governor table in memory, with a clock that moves only when the test sets it. */
export function governorTable(loans: ClientLoans) {
  const clock = { nowMs: NOON, now: () => clock.nowMs, sleep: () => Promise.resolve() };
  const settings = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 3, unprocessed: () => 0 };
  const dynamo = new Dynamo([new Table('governor')], { now: clock.now, ...settings });
  const calls: string[] = [];
  const document = loans.lend(async (command, input) => {
    calls.push(command);
    return dynamo.perform(command, input);
  });
  return { store: { document, tables: { governor: 'governor' }, clock, random: () => 0.5 }, clock, calls };
}

/** Returns a connection to the simulated AWS with a limit override. */
export const governedBy = (override: unknown) => ({
  driver: 'sim',
  connectionKey: 'sim/default/sim-aws',
  limits: limitProfileOf({ driver: 'sim', cloud: 'aws' }, limitOverrideSchema.parse(override)),
});

export { ClientLoans };
