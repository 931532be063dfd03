import * as z from 'zod';
import type { Instance } from '../../functions/model/fleet.ts';
import { instanceRequestSchema } from '../../functions/model/fleet-request.ts';
import { MAX_LISTED_INSTANCES } from '../../functions/model/instance-list.ts';
import { networkChoiceSchema } from '../../functions/model/network-choice.ts';
import { USER_DATA_ENCODINGS } from '../../functions/model/user-data.ts';
import { askOnce, idempotencyKeyInput } from '../shell/ask-once.ts';
import { WAIT_FLAGS, waitInput } from '../shell/await-connection.ts';
import { command, type Flag } from '../shell/command.ts';
import type { World } from '../shell/context.ts';
import { DISK_FORM, dataDisksInput, rootDiskInput } from '../shell/disk-flag.ts';
import { usageError } from '../shell/exit.ts';
import { readYamlFile } from '../shell/files.ts';
import { follow } from '../shell/follow.ts';
import { ingressInput } from '../shell/ingress-flag.ts';
import { type GivenFields, readInstanceRequest } from '../shell/instance-file.ts';
import { instancesText, instanceText } from '../shell/show.ts';
import { sayWarnings } from '../shell/show-warnings.ts';
import { readSshKey, SSH_KEY_FLAG } from '../shell/ssh-key-flag.ts';
import { readUserData } from '../shell/user-data-file.ts';

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

const FLAGS: readonly Flag[] = [
  [
    '-f, --file <file>',
    'YAML or JSON file with fields of the instance, or with `instances`, a list of up to 100; - reads standard input. A flag replaces a field',
  ],
  ['--connection <name>', 'connection to create the instance with'],
  ['--location <name>', 'location; see `fleetwright location list`'],
  ['--instance-type <name>', 'instance type; see `fleetwright instance-type list`'],
  ['--instance-types <name>...', 'an instance type in the order of trial; may be repeated'],
  ['--image <name>', 'image; see `fleetwright image list`'],
  ['--zone <name>', 'a zone of the location'],
  ['--zones <name>...', 'a zone that the instance may be in; may be repeated (default: all zones)'],
  ['--root-disk <disk>', `the root disk: ${DISK_FORM}`],
  ['--root-disk-gb <gb>', 'size of the root disk, if nothing else is said of it'],
  [
    '--data-disk <disk>...',
    `a further disk, in the same form; with keep, it stays when the machine is removed. May be repeated`,
  ],
  ['--label <NAME=VALUE>...', 'a label; may be repeated'],
  ['--tag <NAME=VALUE>...', 'a tag of the machine at the cloud; may be repeated'],
  ['--user-data-file <file>', 'file with the user data for the first boot; - reads standard input'],
  ['--user-data-encoding <encoding>', 'plain, gzip, or base64 for a file that is no text (default: plain)'],
  ['--identity <name>', 'identity of the machine at the cloud, such as an instance profile'],
  ['--placement-group <name>', 'placement group or server group of the machine'],
  ['--metadata-tokens <choice>', 'required or optional, for requests to the metadata service'],
  ['--metadata-hop-limit <number>', 'maximum number of network hops of the metadata service’s answers'],
  ['--ssh-allow-from <cidr>', 'addresses that may connect by SSH (default: none)'],
  [
    '--ingress <rule>...',
    'inbound traffic to accept: protocol, ports and sources, such as "tcp 443,8000-8100 203.0.113.0/24"; may be repeated (default: none)',
  ],
  [`${SSH_KEY_FLAG[0]}...`, `${SSH_KEY_FLAG[1]}; may be repeated`],
  ['--private', 'give the instance no public address'],
  ['--public', 'give the instance a public address'],
  ['--network-mode <mode>', 'shared or dedicated (default: as the connection says, else shared)'],
  ['--network-file <file>', 'YAML or JSON file with the network, such as {mode: existing, existing: {…}}'],
  ['--instance-timeout-seconds <seconds>', 'time limit from the launch until the instance runs'],
  [
    '--count <number>',
    'number of alike instances, 1 to 100, which are one fleet. Each has the name and a number',
  ],
  ['--description <text>', 'description of the instance'],
  [
    '--idempotency-key <key>',
    'key of this request; a repeated command with the same key and flags creates no second instance',
  ],
  ...WAIT_FLAGS,
];

const createInput = waitInput.extend({
  file: z.string().optional(),
  name: asked.name.optional(),
  description: asked.description,
  connection: asked.connection.optional(),
  location: asked.location.optional(),
  instanceType: asked.instanceType,
  instanceTypes: asked.instanceTypes,
  image: asked.image.optional(),
  zone: asked.zone,
  zones: asked.zones,
  rootDisk: rootDiskInput,
  dataDisk: dataDisksInput,
  rootDiskGb: z.coerce.number().pipe(asked.rootDiskGb.unwrap()).optional(),
  instanceTimeoutSeconds: z.coerce.number().pipe(asked.instanceTimeoutSeconds.unwrap()).optional(),
  label: labelsInput,
  tag: tagsInput,
  userDataEncoding: z.enum(USER_DATA_ENCODINGS).default('plain'),
  identity: asked.identity,
  placementGroup: asked.placementGroup,
  metadataTokens: asked.metadataOptions.unwrap().shape.tokens,
  metadataHopLimit: z.coerce.number().pipe(asked.metadataOptions.unwrap().shape.hopLimit.unwrap()).optional(),
  userDataFile: z.string().optional(),
  networkFile: z.string().optional(),
  sshAllowFrom: asked.ssh.unwrap().shape.allowFrom,
  ingress: ingressInput,
  sshKey: z.array(z.string()).default([]),
  private: z.boolean().default(false),
  public: z.boolean().default(false),
  networkMode: z.enum(['shared', 'dedicated']).optional(),
  count: z.coerce.number().int().min(1).max(MAX_LISTED_INSTANCES).optional(),
  idempotencyKey: idempotencyKeyInput,
});
type CreateInput = z.infer<typeof createInput>;

/**
 * Returns the fields of the request that the flags give, with the content of the files that they name.
 *
 * @throws CliError (wrong use) if a file cannot be read, or two flags exclude each other
 */
async function givenFields(
  world: World,
  input: Omit<CreateInput, 'file' | 'count' | 'idempotencyKey' | 'wait' | 'timeout'>,
): Promise<GivenFields> {
  const { label, tag, ingress, dataDisk, sshAllowFrom, sshKey, ...more } = input;
  const { userDataFile, userDataEncoding, metadataTokens, metadataHopLimit, ...others } = more;
  const { private: isPrivate, public: isPublic, networkFile, networkMode, ...fields } = others;
  if (isPrivate && isPublic)
    throw usageError('--private and --public exclude each other', 'Give one of them.');
  if (networkFile !== undefined && networkMode !== undefined)
    throw usageError('--network-mode and --network-file exclude each other', 'Give one of them.');
  const keys = await Promise.all(sshKey.map((file) => readSshKey(world, file)));
  const network =
    networkFile === undefined
      ? networkMode && { mode: networkMode }
      : (await readYamlFile(world, networkFile, networkChoiceSchema)).value;
  return {
    ...fields,
    network,
    labels: filled(label),
    tags: filled(tag),
    dataDisks: dataDisk.length > 0 ? dataDisk : undefined,
    userData:
      userDataFile === undefined ? undefined : await readUserData(world, userDataFile, userDataEncoding),
    metadataOptions: filled({ tokens: metadataTokens, hopLimit: metadataHopLimit }),
    ssh: filled({ allowFrom: sshAllowFrom, publicKeys: keys.length > 0 ? keys : undefined }),
    publicIp: isPrivate || isPublic ? isPublic : undefined,
    ingress: ingress.length > 0 ? ingress : undefined,
  };
}

export const instanceCreate = command({
  name: 'create',
  summary:
    'Create a single instance, which is a fleet of one instance with the same name; or several alike instances, which are one fleet',
  arguments: [['[name]', 'a-z, 0-9 and -, 3 to 40 characters; may be in the file instead']],
  flags: FLAGS,
  examples: [
    'instance create build-box --connection sim-aws --location us-east-1 --instance-type m6i.large --image ubuntu-24.04 --wait',
    'instance create db --connection main --location us-east-1 --instance-type m7i.large --image ubuntu-24.04 --root-disk size=30,type=gp3 --data-disk size=500,type=gp3,encrypted,keep',
    'instance create build-box -f instance.yaml --tag team=build',
    'instance create runners -f instances.yaml --wait',
    'instance create runner --count 20 --connection sim-aws --location us-east-1 --instance-type m6i.large --image ubuntu-24.04 --json',
    'instance create bastion --connection sim-gcp --location us-east1 --instance-type e2-small --image ubuntu-24.04 --ssh-allow-from 203.0.113.0/24',
  ],
  input: createInput,
  async run({ file, count, idempotencyKey = crypto.randomUUID(), wait, timeout, ...input }, context) {
    const given = await givenFields(context.world, input);
    const { body, source } = await readInstanceRequest(context.world, file, given, count);
    const api = await context.api();
    const namespace = await context.namespace();
    const what = 'instances' in body ? 'instances' : 'instance';
    const created = await askOnce(what, idempotencyKey, source, (key) =>
      api.createInstance({ params: { namespace }, idempotencyKey: key, body }),
    );
    sayWarnings(context, created.warnings, source?.locate);
    const followed = wait ? await follow(context, created.fleetId, 'up', timeout) : undefined;
    const exitCode = followed ? { exitCode: followed.exitCode } : {};
    if ('items' in created) {
      const params = { namespace, fleet: created.fleetId };
      const { items } = followed
        ? await api.listInstances({ params, query: { limit: MAX_LISTED_INSTANCES } })
        : created;
      const document = { ...created, items: inOrderOf(created.items, items) };
      return { document, text: instancesText(document.items), ...exitCode };
    }
    const document = followed
      ? await api.getInstance({ params: { namespace, instance: created.id } })
      : created;
    return { document, text: instanceText(document), ...exitCode };
  },
});

/** Returns what was read later of the instances of an answer, in the order of the answer. */
function inOrderOf<One extends Instance>(
  created: readonly One[],
  read: readonly Instance[],
): (One | (Instance & One))[] {
  const byId = new Map(read.map((one) => [one.id, one]));
  return created.map((one) => ({ ...one, ...byId.get(one.id) }));
}
