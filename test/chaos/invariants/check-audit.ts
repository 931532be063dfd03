import * as z from 'zod';
import { auditTargetSchema } from '../../../functions/model/audit-entry.ts';
import { isoTime } from '../../../functions/platform/runtime/clock.ts';
import type { FleetItem } from '../../../functions/platform/store/fleets.ts';
import type { Lab } from '../world/lab.ts';
import { fleetsOf, itemsOf } from './check-access.ts';
import { type Violation, violationBy } from './violation.ts';

/** Time after which an act that is under way must have been closed, in ms. It includes the difference of clocks. */
const CLOSED_MS = 10 * 60_000;

const entrySchema = z.object({
  pk: z.string(),
  sk: z.string(),
  type: z.string(),
  target: auditTargetSchema,
  result: z.string().optional(),
});
type Entry = z.infer<typeof entrySchema>;

/**
 * Checks the audit log at the end of a run: each fleet has exactly one entry of its creation, and of its rollback; each
 * finding that was announced has an entry; and no act is left without one.
 */
export function checkAudit(lab: Lab): Violation[] {
  const items = itemsOf(lab.tables.audit);
  const entries = items.filter(({ pk }) => pk.startsWith('LOG#')).map((item) => entrySchema.parse(item));
  const open = items.filter(({ pk }) => pk.startsWith('OPEN#'));
  const lateBefore = isoTime(Math.max(0, lab.ground.now() - CLOSED_MS));
  return [
    ...open
      .filter(({ sk }) => sk < lateBefore)
      .map(({ sk, type }) => violationBy('stuck', `act ${String(type)} of ${sk} has no entry`, undefined)),
    ...fleetsOf(lab).flatMap((fleet) => wrongEntriesOf(fleet, entries, lab.ground.counts.restores)),
    ...missingFindings(lab, entries),
  ];
}

/** @param restores a fleet that is restored to an earlier time is rolled back once more, which is a second act */
function wrongEntriesOf(
  { fleetId, name, ownAct, status }: FleetItem,
  entries: readonly Entry[],
  restores: number,
): Violation[] {
  const made = entries.filter(
    ({ type, target, result }) =>
      (type === 'fleet.create' || type === 'instance.create') &&
      (result === 'succeeded'
        ? target.id?.startsWith(fleetId)
        : result !== 'refused' && (target.name === name || target.name === undefined)),
  );
  const succeeded = made.filter(({ result }) => result === 'succeeded');
  const own = entries.filter(({ type, target }) => type === ownAct?.type && target.id === fleetId);
  const wrong = [
    ...(made.length === 0 ? [`fleet ${fleetId} has no entry of its creation`] : []),
    ...(succeeded.length > 1 ? [`fleet ${fleetId} has ${succeeded.length} entries of its creation`] : []),
    ...(status === 'RolledBack' && ownAct && (own.length < 1 || own.length > 1 + restores)
      ? [`fleet ${fleetId} has ${own.length} entries of ${ownAct.type}`]
      : []),
  ];
  return wrong.map((text) => violationBy('record', text, undefined));
}

const findingSchema = z.object({
  backendId: z.string(),
  instanceId: z.string().optional(),
  announced: z.string().optional(),
});

function missingFindings(lab: Lab, entries: readonly Entry[]): Violation[] {
  const told = new Set(entries.map(({ target }) => target.id));
  return itemsOf(lab.tables.fleets)
    .filter(({ pk }) => pk.startsWith('ORPHAN#'))
    .map((item) => findingSchema.parse(item))
    .filter(
      ({ backendId, instanceId, announced }) => announced && !told.has(backendId) && !told.has(instanceId),
    )
    .map(({ backendId, announced }) =>
      violationBy(
        'record',
        `finding ${backendId} was announced as ${announced}, and has no entry`,
        undefined,
      ),
    );
}
