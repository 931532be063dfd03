import { many, type Run, type StepReport, stopped } from './destroy-run.ts';
import { keptText } from './kept-text.ts';

const WORD = 'forget';

/** What to do about disks that keep a removal from going on. */
export const ABOUT_DISKS =
  'Remove the disks (`fleetwright resources list --kind volume`, `fleetwright resources remove <name>`), then run this command again. Or run it with --forget-disks: the disks then stay at the clouds, cost money, and no record of them is left. To keep the deployment, give --cancel.';

/**
 * Decides whether the records of kept disks may be deleted with their connections. Names the disks, and asks for it,
 * unless a flag has the answer. Reads the disks when the machines are gone, so that no further disk is kept.
 *
 * @param isAgreed a flag has the answer
 * @returns whether disks may be forgotten; the report of the stopped step if the user does not agree
 */
export async function decideOnDisks(
  run: Run,
  isAgreed: boolean,
): Promise<{ forgetDisks: boolean } | StepReport> {
  const { keptDisks } = await run.tables.readPossessions();
  if (keptDisks.length === 0) return { forgetDisks: isAgreed };
  const what = keptText(keptDisks, 'would be forgotten').replace(/^; /, '');
  if (isAgreed) {
    run.context.say(what.replace('would be forgotten', 'stay at the clouds and are forgotten'));
    return { forgetDisks: true };
  }
  const typed = await run.context.world.ask(
    `${what}. They would stay at the clouds and cost money. Type ${WORD} to go on: `,
  );
  if (typed?.trim() === WORD) return { forgetDisks: true };
  const counts = { keptDisks: keptDisks.length };
  const named = keptDisks.map(({ namespace, connection, location, fleet, backendId }) => ({
    ...{ namespace, connection, location, fleet },
    message: `disk ${backendId} is kept`,
  }));
  return stopped('secrets', `${what}: ${many(keptDisks.length, 'disk')} kept`, ABOUT_DISKS, named, counts);
}
