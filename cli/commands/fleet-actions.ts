import * as z from 'zod';
import type { Fleet } from '../../functions/model/fleet.ts';
import {
  type FleetActionRequest,
  MAX_HOLD_SECONDS,
  MIN_HOLD_SECONDS,
} from '../../functions/model/fleet-action.ts';
import { nameSchema } from '../../functions/model/identifiers.ts';
import { WAIT_FLAGS, waitInput } from '../shell/await-connection.ts';
import { command, type Flag, type Outcome } from '../shell/command.ts';
import type { Context } from '../shell/context.ts';
import { durationSchema } from '../shell/duration.ts';
import { follow } from '../shell/follow.ts';
import type { Goal } from '../shell/progress.ts';
import { fleetText } from '../shell/show.ts';

export const FLEET: readonly Flag[] = [['<fleet>', 'id of the fleet, or name of a live fleet']];
export const named = z.object({ fleet: nameSchema });
const waited = named.extend(waitInput.shape);

/** Duration of a hold. The parsed value is in seconds. */
export const holdInput = durationSchema.pipe(z.int().min(MIN_HOLD_SECONDS).max(MAX_HOLD_SECONDS));

/**
 * Prints the progress of a fleet until `goal` is reached or can no longer be reached. Returns the last state
 * of the fleet.
 */
export async function followed(
  context: Context,
  id: string,
  goal: Goal,
  timeout: number | undefined,
): Promise<Outcome> {
  const { fleet, exitCode } = await follow(context, id, goal, timeout);
  if (fleet) return { document: fleet, text: fleetText(fleet), exitCode };
  return { document: { id, exitCode }, text: `${id}\n`, exitCode };
}

async function act(context: Context, fleet: string, body: FleetActionRequest): Promise<Fleet> {
  const params = { namespace: await context.namespace(), fleet };
  return await (await context.api()).actOnFleet({ params, body });
}

/** Requests an action and, with `wait`, follows the fleet until the action has ended. */
async function actAndFollow(
  context: Context,
  { fleet, wait, timeout }: z.infer<typeof waited>,
  action: Exclude<FleetActionRequest['action'], 'hold'>,
  goal: Goal,
): Promise<Outcome> {
  const document = await act(context, fleet, { action });
  if (wait) return await followed(context, document.id, goal, timeout);
  const again =
    goal === 'gone' ? `fleet delete ${document.id} --wait` : `fleet ${action} ${document.name} --wait`;
  context.say(`Fleet ${document.name} is ${document.status}. To watch it, run: fleetwright ${again}`);
  return { document, text: fleetText(document) };
}

/**
 * Commands for the actions on a fleet, except for deletion. Repeating an action that is under way changes
 * nothing.
 */
export const fleetActions = [
  command({
    name: 'hold',
    summary: 'Hold a fleet: launch nothing more until it is released. Running instances stay',
    arguments: FLEET,
    flags: [
      [
        '--expires-in <time>',
        'withdraw the fleet after this time unless it is released before; for example 3600 (seconds), 90m, 1h or 2d',
      ],
    ],
    examples: ['fleet hold web-global', 'fleet hold web-global --expires-in 1h'],
    input: named.extend({ expiresIn: holdInput.optional() }),
    async run({ fleet, expiresIn }, context) {
      const expiry = expiresIn === undefined ? {} : { expiresInSeconds: expiresIn };
      const document = await act(context, fleet, { action: 'hold', ...expiry });
      const end =
        document.heldUntil === undefined ? '' : ` Otherwise it is withdrawn at ${document.heldUntil}.`;
      context.say(
        `Fleet ${document.name} is held. To release it, run: fleetwright fleet release ${document.name}.${end}`,
      );
      return { document, text: fleetText(document) };
    },
  }),
  command({
    name: 'release',
    summary: 'Release a held fleet: launch its missing instances',
    arguments: FLEET,
    flags: WAIT_FLAGS,
    examples: ['fleet release web-global --wait'],
    input: waited,
    run: (input, context) => actAndFollow(context, input, 'release', 'up'),
  }),
  command({
    name: 'withdraw',
    summary: 'Withdraw a held fleet: delete it and everything that it created',
    arguments: FLEET,
    flags: WAIT_FLAGS,
    examples: ['fleet withdraw web-global --wait'],
    input: waited,
    run: (input, context) => actAndFollow(context, input, 'withdraw', 'gone'),
  }),
  command({
    name: 'abort',
    summary: 'Abort a fleet: stop launching, and apply the failure policy to what exists',
    arguments: FLEET,
    flags: WAIT_FLAGS,
    examples: ['fleet abort web-global', 'fleet abort web-global --wait'],
    input: waited,
    run: (input, context) => actAndFollow(context, input, 'abort', 'settled'),
  }),
  command({
    name: 'retry',
    summary: 'Retry a fleet: launch its missing instances',
    arguments: FLEET,
    flags: WAIT_FLAGS,
    examples: ['fleet retry web-global --wait'],
    input: waited,
    run: (input, context) => actAndFollow(context, input, 'retry', 'up'),
  }),
  command({
    name: 'refine',
    summary:
      'Refine a fleet: remove failed instances and what only they needed. The fleet continues with fewer instances',
    arguments: FLEET,
    flags: WAIT_FLAGS,
    examples: ['fleet refine web-global --wait'],
    input: waited,
    run: (input, context) => actAndFollow(context, input, 'refine', 'refined'),
  }),
];
