import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../chaos/models/dynamo/dynamo.ts';
import { FLEETS_INDEXES, Table } from '../../../chaos/models/dynamo/table.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');

/** Creates a fleets table in memory, with a clock that moves only when the test sets it. */
export function fleetsTable(loans: ClientLoans) {
  const clock = { nowMs: NOON, now: () => clock.nowMs, sleep: () => Promise.resolve() };
  const settings = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 3, unprocessed: () => 0 };
  const table = new Table('fleets', FLEETS_INDEXES);
  const dynamo = new Dynamo([table], { now: clock.now, ...settings });
  const document = loans.lend(async (command, input) => dynamo.perform(command, input));
  return { store: { document, tables: { fleets: 'fleets' }, clock, random: () => 0.5 }, clock, table };
}

/** Creates an access table in memory, and a fleets table, whose items about the deployment some writes check. */
export function accessTable(loans: ClientLoans) {
  const settings = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 3, unprocessed: () => 0 };
  const dynamo = new Dynamo([new Table('access'), new Table('fleets', FLEETS_INDEXES)], {
    now: () => NOON,
    ...settings,
  });
  const document = loans.lend(async (command, input) => dynamo.perform(command, input));
  const clock = { now: () => NOON, sleep: () => Promise.resolve() };
  return { document, tables: { access: 'access', fleets: 'fleets' }, clock, random: Math.random };
}

export { ClientLoans };
