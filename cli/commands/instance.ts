import { z } from 'zod';
import { instanceRequestSchema } from '../../functions/model/fleet-request.ts';
import { instanceIdSchema, nameSchema } from '../../functions/model/identifiers.ts';
import { networkChoiceSchema } from '../../functions/model/network-choice.ts';
import { USER_DATA_ENCODINGS } from '../../functions/model/user-data.ts';
import { WAIT_FLAGS, waitInput } from '../shell/await-connection.ts';
import { command, type Flag, noun } from '../shell/command.ts';
import { readYamlFile } from '../shell/files.ts';
import { follow } from '../shell/follow.ts';
import { ingressInput } from '../shell/ingress-flag.ts';
import { instancesText, instanceText } from '../shell/show.ts';
import { sayWarnings } from '../shell/show-warnings.ts';
import { readSshKey, SSH_KEY_FLAG } from '../shell/ssh-key-flag.ts';
import { readUserData } from '../shell/user-data-file.ts';
import { sayKeptDisks } from './kept-disks.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const INSTANCE: readonly Flag[] = [['<id>', 'id of the instance']];
const identified = z.object({ id: instanceIdSchema });
const asked = instanceRequestSchema.shape;

const pairsInput = z
  .array(z.string().regex(/^[^=]+=/, 'must be NAME=VALUE'))
  .default([])
  .transform((pairs) =>
    Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  );
const labelsInput = pairsInput.pipe(asked.labels.unwrap());
const tagsInput = pairsInput.pipe(asked.tags.unwrap());

/** Returns a field for the request if it has any value. */
const filled = <Value extends object>(value: Value): Value | undefined =>
  Object.values(value).some((one) => one !== undefined) ? value : undefined;

export const instanceNoun = noun('instance', 'Single instances', [
  command({
    name: 'create',
    summary: 'Create a single instance. It is a fleet of one instance, with the same name',
    arguments: [['<name>', 'a-z, 0-9 and -, 3 to 40 characters']],
    flags: [
      ['--connection <name>', 'connection to create the instance with'],
      ['--location <name>', 'location; see `fleetwright location list`'],
      ['--instance-type <name>', 'instance type; see `fleetwright instance-type list`'],
      ['--instance-types <name>...', 'an instance type in the order of trial; may be repeated'],
      ['--image <name>', 'image; see `fleetwright image list`'],
      ['--zone <name>', 'a zone of the location'],
      ['--zones <name>...', 'a zone that the instance may be in; may be repeated (default: all zones)'],
      ['--root-disk-gb <gb>', 'size of the root disk'],
      ['--label <NAME=VALUE>...', 'a label; may be repeated'],
      ['--tag <NAME=VALUE>...', 'a tag of the machine at the cloud; may be repeated'],
      ['--user-data-file <file>', 'file with the user data for the first boot; - reads standard input'],
      [
        '--user-data-encoding <encoding>',
        'plain, gzip, or base64 for a file that is no text (default: plain)',
      ],
      ['--identity <name>', 'identity of the machine at the cloud, such as an instance profile'],
      ['--placement-group <name>', 'placement group or server group of the machine'],
      ['--metadata-tokens <choice>', 'required or optional, for requests to the metadata service'],
      ['--metadata-hop-limit <number>', 'maximum number of network hops of the metadata service’s answers'],
      ['--ssh-allow-from <cidr>', 'addresses that may connect by SSH (default: none)'],
      [
        '--ingress <rule>...',
        'inbound traffic to accept: protocol, ports and sources, such as "tcp 443,8000-8100 203.0.113.0/24"; may be repeated (default: none)',
      ],
      SSH_KEY_FLAG,
      ['--private', 'give the instance no public address'],
      [
        '--network-file <file>',
        'YAML or JSON file with the network, such as {mode: existing, existing: {…}}',
      ],
      ['--instance-timeout-seconds <seconds>', 'time limit from the launch until the instance runs'],
      ['--description <text>', 'description of the instance'],
      [
        '--idempotency-key <key>',
        'key of this request; a repeated command with the same key and flags creates no second instance',
      ],
      ...WAIT_FLAGS,
    ],
    examples: [
      'instance create build-box --connection sim-aws --location us-east-1 --instance-type m6i.large --image ubuntu-24.04 --wait',
      'instance create bastion --connection sim-gcp --location us-east1 --instance-type e2-small --image ubuntu-24.04 --ssh-allow-from 203.0.113.0/24',
    ],
    input: waitInput.extend({
      name: asked.name,
      description: asked.description,
      connection: asked.connection,
      location: asked.location,
      instanceType: asked.instanceType,
      instanceTypes: asked.instanceTypes,
      image: asked.image,
      zone: asked.zone,
      zones: asked.zones,
      rootDiskGb: z.coerce.number().pipe(asked.rootDiskGb.unwrap()).optional(),
      instanceTimeoutSeconds: z.coerce.number().pipe(asked.instanceTimeoutSeconds.unwrap()).optional(),
      label: labelsInput,
      tag: tagsInput,
      userDataEncoding: z.enum(USER_DATA_ENCODINGS).default('plain'),
      identity: asked.identity,
      placementGroup: asked.placementGroup,
      metadataTokens: asked.metadataOptions.unwrap().shape.tokens,
      metadataHopLimit: z.coerce
        .number()
        .pipe(asked.metadataOptions.unwrap().shape.hopLimit.unwrap())
        .optional(),
      userDataFile: z.string().optional(),
      networkFile: z.string().optional(),
      sshAllowFrom: asked.ssh.unwrap().shape.allowFrom,
      ingress: ingressInput,
      sshKey: z.string().optional(),
      private: z.boolean().default(false),
      idempotencyKey: z.string().optional(),
    }),
    async run({ label, tag, sshAllowFrom, ingress, idempotencyKey, wait, timeout, ...input }, context) {
      const { userDataFile, userDataEncoding, metadataTokens, metadataHopLimit, ...others } = input;
      const { sshKey, private: isPrivate, networkFile, ...request } = others;
      const network =
        networkFile === undefined
          ? undefined
          : (await readYamlFile(context.world, networkFile, networkChoiceSchema)).value;
      const api = await context.api();
      const namespace = await context.namespace();
      const created = await api.createInstance({
        params: { namespace },
        idempotencyKey,
        body: {
          ...request,
          network,
          labels: filled(label),
          tags: filled(tag),
          userData:
            userDataFile === undefined
              ? undefined
              : await readUserData(context.world, userDataFile, userDataEncoding),
          metadataOptions: filled({ tokens: metadataTokens, hopLimit: metadataHopLimit }),
          ssh: filled({
            allowFrom: sshAllowFrom,
            publicKeys: sshKey === undefined ? undefined : [await readSshKey(context.world, sshKey)],
          }),
          publicIp: isPrivate ? false : undefined,
          ingress: ingress.length > 0 ? ingress : undefined,
        },
      });
      sayWarnings(context, created.warnings);
      if (!wait) return { document: created, text: instanceText(created) };
      const { exitCode } = await follow(context, created.fleetId, 'up', timeout);
      const document = await api.getInstance({ params: { namespace, instance: created.id } });
      return { document, text: instanceText(document), exitCode };
    },
  }),
  command({
    name: 'list',
    summary: 'List the instances of a fleet. A single instance is a fleet of one instance',
    flags: [['--fleet <fleet>', 'id of the fleet, or name of a live fleet'], ...LIST_FLAGS],
    examples: ['instance list --fleet web-global'],
    input: listInput.extend({ fleet: nameSchema }),
    async run({ fleet, ...page }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace(), fleet };
      return await listed(context, page, (query) => api.listInstances({ params, query }), instancesText);
    },
  }),
  command({
    name: 'get',
    summary: 'Show an instance of any fleet',
    arguments: INSTANCE,
    examples: ['instance get f01k5r3x9aq2b7c4d-00017'],
    input: identified,
    async run({ id }, context) {
      const params = { namespace: await context.namespace(), instance: id };
      const document = await (await context.api()).getInstance({ params });
      return { document, text: instanceText(document) };
    },
  }),
  command({
    name: 'delete',
    summary: 'Delete a single instance. An instance of a larger fleet can only be deleted with its fleet',
    arguments: INSTANCE,
    flags: WAIT_FLAGS,
    examples: ['instance delete f01k5r3x9aq2b7c4d-00000 --wait'],
    input: identified.extend(waitInput.shape),
    async run({ id, wait, timeout }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace(), instance: id };
      const asked = await api.deleteInstance({ params });
      await sayKeptDisks(context, params.namespace, asked.fleetId);
      if (!wait) return { document: asked, text: instanceText(asked) };
      const { exitCode } = await follow(context, asked.fleetId, 'gone', timeout);
      const document = await api.getInstance({ params });
      return { document, text: instanceText(document), exitCode };
    },
  }),
]);
