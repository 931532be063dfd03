import * as z from 'zod';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { cloudWordSchema, nameSchema } from '../../functions/model/identifiers.ts';
import { MAX_FLEET_PAGE } from '../../functions/model/paging.ts';
import { instanceStatusSchema } from '../../functions/model/status.ts';
import { askOnce, idempotencyKeyInput } from '../shell/ask-once.ts';
import { WAIT_FLAGS, waitInput } from '../shell/await-connection.ts';
import { command, noun } from '../shell/command.ts';
import { usageError } from '../shell/exit.ts';
import { readFleetFile } from '../shell/fleet-file.ts';
import { fleetsText, fleetText, instancesText } from '../shell/show.ts';
import { sayWarnings } from '../shell/show-warnings.ts';
import { readSshKey, SSH_KEY_FLAG, withSshKey } from '../shell/ssh-key-flag.ts';
import { FLEET, fleetActions, followed, holdInput, named } from './fleet-actions.ts';
import { fleetValidate } from './fleet-validate.ts';
import { sayKeptDisks } from './kept-disks.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

/** Adds a hold to the request if the user gave the flag `--hold` or `--hold-for`. */
function held(request: FleetRequest, hold: boolean, holdFor: number | undefined): FleetRequest {
  if (holdFor !== undefined) return { ...request, hold: { expiresInSeconds: holdFor } };
  return hold ? { ...request, hold: request.hold ?? {} } : request;
}

export const fleetNoun = noun('fleet', 'Fleets of instances on many clouds', [
  command({
    name: 'create',
    summary: 'Create a fleet from a file',
    flags: [
      ['-f, --file <file>', 'fleet.yaml, or JSON; - reads standard input'],
      [
        '--idempotency-key <key>',
        'key of this request; a repeated command with the same key and file creates no second fleet',
      ],
      ['--hold', 'accept the fleet, but launch nothing until `fleetwright fleet release`'],
      [
        '--hold-for <time>',
        'like --hold, and withdraw the fleet after this time unless it is released before; for example 3600 (seconds), 90m, 1h or 2d',
      ],
      SSH_KEY_FLAG,
      ...WAIT_FLAGS,
    ],
    examples: [
      'fleet create -f fleet.yaml --wait',
      'fleet create -f fleet.yaml --ssh-key auto',
      'fleet create -f fleet.yaml --hold-for 1h',
      'fleet create -f fleet.yaml --wait --timeout 600 --json > fleet.json',
      'fleet create -f - --idempotency-key release-42 < fleet.yaml',
    ],
    input: waitInput.extend({
      file: z.string(),
      idempotencyKey: idempotencyKeyInput,
      hold: z.boolean().default(false),
      holdFor: holdInput.optional(),
      sshKey: z.string().optional(),
    }),
    async run({ file, idempotencyKey = crypto.randomUUID(), hold, holdFor, sshKey, wait, timeout }, context) {
      const read = await readFleetFile(context.world, file);
      const key = sshKey === undefined ? undefined : await readSshKey(context.world, sshKey);
      const value = held(read.value, hold, holdFor);
      const request = { ...read, value: key === undefined ? value : withSshKey(value, key) };
      if (wait && request.value.hold) {
        throw usageError(
          '--wait cannot be used with a held fleet: a held fleet launches nothing until it is released',
          'Leave --wait out, and wait with `fleetwright fleet release NAME --wait`.',
        );
      }
      const api = await context.api();
      const params = { namespace: await context.namespace() };
      const document = await askOnce('fleet', idempotencyKey, request, (usedKey) =>
        api.createFleet({ params, body: request.value, idempotencyKey: usedKey }),
      );
      context.say(
        `Fleet ${document.name} is accepted: ${document.counts.requested} instances, id ${document.id}.`,
      );
      sayWarnings(context, document.warnings, request.locate);
      if (wait) return await followed(context, document.id, 'up', timeout);
      context.say(
        request.value.hold
          ? `To launch it, run: fleetwright fleet release ${document.name}`
          : `To watch it, run: fleetwright fleet wait ${document.name}`,
      );
      return { document, text: fleetText(document) };
    },
  }),
  fleetValidate,
  command({
    name: 'wait',
    summary: 'Watch a fleet until launching has ended. Exits with 0 only if all instances run',
    arguments: FLEET,
    flags: WAIT_FLAGS.slice(1),
    examples: ['fleet wait web-global', 'fleet wait web-global --timeout 600'],
    input: named.extend({ timeout: waitInput.shape.timeout }),
    async run({ fleet, timeout }, context) {
      const params = { namespace: await context.namespace(), fleet };
      const { id } = await (await context.api()).getFleet({ params });
      return await followed(context, id, 'up', timeout);
    },
  }),
  command({
    name: 'list',
    summary: 'List fleets, newest first, including fleets that have ended',
    flags: LIST_FLAGS,
    examples: ['fleet list', 'fleet list --limit 10 --json'],
    input: listInput,
    async run(input, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace() };
      return await listed(
        context,
        input,
        (query) => api.listFleets({ params, query }),
        fleetsText,
        MAX_FLEET_PAGE,
      );
    },
  }),
  command({
    name: 'get',
    summary: 'Show a fleet: counts by location, cost so far and reasons of failures',
    arguments: FLEET,
    examples: ['fleet get web-global'],
    input: named,
    async run({ fleet }, context) {
      const params = { namespace: await context.namespace(), fleet };
      const document = await (await context.api()).getFleet({ params });
      return { document, text: fleetText(document) };
    },
  }),
  command({
    name: 'instances',
    summary: 'List the instances of a fleet',
    arguments: FLEET,
    flags: [
      ['--status <status>', 'only with this status, for example Running or Failed'],
      ['--location <name>', 'only in this location'],
      ['--connection <name>', 'only through this connection'],
      ['--node-group <name>', 'only of this node group'],
      ...LIST_FLAGS,
    ],
    examples: [
      'fleet instances web-global',
      'fleet instances web-global --status Failed --location us-east-1',
    ],
    input: named.extend({
      ...listInput.shape,
      status: instanceStatusSchema.optional(),
      location: cloudWordSchema.optional(),
      connection: nameSchema.optional(),
      nodeGroup: nameSchema.optional(),
    }),
    async run({ fleet, limit, cursor, ...filter }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace(), fleet };
      return await listed(
        context,
        { limit, cursor },
        (page) => api.listInstances({ params, query: { ...filter, ...page } }),
        instancesText,
      );
    },
  }),
  ...fleetActions,
  command({
    name: 'delete',
    summary: 'Delete a fleet and everything that it created, except disks that are kept, which it names',
    arguments: FLEET,
    flags: WAIT_FLAGS,
    examples: ['fleet delete web-global --wait'],
    input: named.extend(waitInput.shape),
    async run({ fleet, wait, timeout }, context) {
      const params = { namespace: await context.namespace(), fleet };
      const document = await (await context.api()).deleteFleet({ params });
      await sayKeptDisks(context, params.namespace, document.id);
      if (wait) return await followed(context, document.id, 'gone', timeout);
      context.say(
        `Fleet ${document.name} is being deleted. To watch it, run: fleetwright fleet delete ${document.id} --wait`,
      );
      return { document, text: fleetText(document) };
    },
  }),
]);
