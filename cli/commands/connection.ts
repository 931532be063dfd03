import * as z from 'zod';
import { type Connection, connectionRequestSchema } from '../../functions/model/connection.ts';
import { cloudWordSchema, nameSchema } from '../../functions/model/identifiers.ts';
import { limitOverrideSchema } from '../../functions/model/limit-profile.ts';
import { connectionNetworkSchema } from '../../functions/model/network-choice.ts';
import {
  DEFAULT_ORPHAN_POLICY,
  MAX_GRACE_SECONDS,
  MIN_GRACE_SECONDS,
  orphanPolicySchema,
} from '../../functions/model/orphan.ts';
import { awaitConnection, WAIT_FLAGS, waitInput } from '../shell/await-connection.ts';
import { command, type Flag, noun } from '../shell/command.ts';
import { readCredential } from '../shell/credential.ts';
import { usageError } from '../shell/exit.ts';
import { readYamlFile } from '../shell/files.ts';
import { connectionText, sharesText } from '../shell/show.ts';
import { reopenedText } from '../shell/show-governor.ts';
import { connectionLimitsText } from '../shell/show-limits.ts';
import { quotasText } from '../shell/show-quotas.ts';
import { unknownWordsText } from '../shell/show-words.ts';
import { table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const { name, driver, cloud, endpoint } = connectionRequestSchema.shape;

const { action } = orphanPolicySchema.shape;
const graceSeconds = z.coerce.number().pipe(orphanPolicySchema.shape.graceSeconds.unwrap());
const ORPHAN_FLAGS: readonly Flag[] = [
  ['--orphan-action <action>', 'what sweeps do with orphans: terminate (default) or report'],
  [
    '--orphan-grace-seconds <seconds>',
    `how long sweeps wait between finding an orphan and removing it, ${MIN_GRACE_SECONDS} to ${MAX_GRACE_SECONDS} (${DEFAULT_ORPHAN_POLICY.graceSeconds})`,
  ],
];

const CREDENTIAL_FLAGS: readonly Flag[] = [
  ['--credential-file <file>', 'file with the credential as JSON; - reads standard input'],
  [
    '--credential <KEY=env:VARIABLE>...',
    'one field of the credential, read from an environment variable; may be repeated',
  ],
];
const credentialInput = {
  credential: z.array(z.string()).default([]),
  credentialFile: z.string().optional(),
};

const isRotated = ({ rotation }: Connection) => rotation === undefined;
const wasRefused = ({ rotation }: Connection) => rotation?.status === 'Failed';

const isNetworkSet = ({ networkChange }: Connection) => networkChange === undefined;
const wasNetworkRefused = ({ networkChange }: Connection) => networkChange?.status === 'Failed';

const named = z.object({ name: nameSchema });
const WITH: Flag = ['--with <namespace>', 'the other namespace'];
const NAME: readonly [string, string][] = [['<name>', 'name of the connection']];

export const connectionNoun = noun('connection', 'Connections: credentials for clouds', [
  command({
    name: 'create',
    summary: 'Create a connection. Its credential is verified and its inventory is read afterwards',
    arguments: [['<name>', 'a-z, 0-9 and -, 3 to 40 characters']],
    flags: [
      ['--driver <driver>', 'name of the driver; see `fleetwright driver list`'],
      ['--cloud <cloud>', 'one of the clouds that the driver supports'],
      ...CREDENTIAL_FLAGS,
      ['--endpoint <url>', 'URL of the cloud’s API in place of the default, if the deployment allows it'],
      ['--limits-file <file>', 'YAML or JSON file that overrides the cloud’s default limits'],
      ...ORPHAN_FLAGS,
      ...WAIT_FLAGS,
    ],
    examples: [
      'connection create sim-aws --driver sim --cloud aws --credential-file credential.json --wait',
      'connection create sim-gcp --driver sim --cloud gcp --credential apiKey=env:SIM_KEY',
      'connection create sim-ncp --driver sim --cloud ncp --credential-file - --limits-file limits.yaml < credential.json',
    ],
    input: z.object({
      name,
      driver,
      cloud,
      endpoint,
      ...credentialInput,
      limitsFile: z.string().optional(),
      orphanAction: action.unwrap().optional(),
      orphanGraceSeconds: graceSeconds.optional(),
      ...waitInput.shape,
    }),
    async run(input, context) {
      const { credential, credentialFile, limitsFile, wait, timeout, ...rest } = input;
      const { orphanAction, orphanGraceSeconds, ...request } = rest;
      const isPolicyGiven = orphanAction !== undefined || orphanGraceSeconds !== undefined;
      const limits =
        limitsFile === undefined
          ? undefined
          : (await readYamlFile(context.world, limitsFile, limitOverrideSchema)).value;
      const secret = await readCredential(context.world, { credential, credentialFile });
      const document = await (await context.api()).createConnection({
        params: { namespace: await context.namespace() },
        body: {
          ...request,
          credential: secret,
          limits,
          ...(isPolicyGiven ? { orphans: { action: orphanAction, graceSeconds: orphanGraceSeconds } } : {}),
        },
      });
      if (wait)
        return await awaitConnection(
          context,
          document,
          timeout,
          (one) => one.inventorySyncedAt !== undefined,
        );
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'list',
    summary: 'List the connections of the namespace, and those that others share with it',
    flags: LIST_FLAGS,
    examples: ['connection list'],
    input: listInput,
    async run(input, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace() };
      return await listed(
        context,
        input,
        (query) => api.listConnections({ params, query }),
        (items) =>
          table(
            ['name', 'driver', 'cloud', 'status', 'shared', 'failure', 'verified', 'inventory read'],
            items.map((one) => [
              one.name,
              one.driver,
              one.cloud,
              one.status,
              sharesText(one),
              one.failure?.code,
              one.verifiedAt,
              one.inventorySyncedAt,
            ]),
          ),
      );
    },
  }),
  command({
    name: 'get',
    summary: 'Show a connection, without its credential',
    arguments: NAME,
    examples: ['connection get sim-aws', 'connection get sim-aws --json'],
    input: named,
    async run({ name: connection }, context) {
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).getConnection({ params });
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'delete',
    summary: 'Delete a connection that no live fleet of any namespace uses, and that has no kept disks',
    arguments: NAME,
    flags: [
      [
        '--forget-disks',
        'delete it even if disks are kept: they stay at the cloud, cost money, and are listed nowhere any more',
      ],
    ],
    examples: ['connection delete sim-aws', 'connection delete sim-aws --forget-disks'],
    input: named.extend({ forgetDisks: z.boolean().default(false) }),
    async run({ name: connection, forgetDisks }, context) {
      const params = { namespace: await context.namespace(), connection };
      const query = forgetDisks ? { forgetDisks: 'true' as const } : {};
      await (await context.api()).deleteConnection({ params, query });
      return { document: { deleted: connection }, text: `Connection ${connection} is deleted.\n` };
    },
  }),
  command({
    name: 'share',
    summary:
      'Share a connection with another namespace, whose fleets may then use it by its name. Its limits hold for all of them together',
    arguments: NAME,
    flags: [WITH],
    examples: ['connection share main --with team-search'],
    input: named.extend({ with: nameSchema }),
    async run({ name: connection, with: target }, context) {
      const params = { namespace: await context.namespace(), connection, target };
      const document = await (await context.api()).shareConnection({ params });
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'unshare',
    summary: 'Stop sharing a connection with another namespace',
    arguments: NAME,
    flags: [
      WITH,
      [
        '--force',
        'also while the namespace uses it: no new fleet is accepted, and what it has there goes on until it is removed',
      ],
    ],
    examples: [
      'connection unshare main --with team-search',
      'connection unshare main --with team-search --force',
    ],
    input: named.extend({ with: nameSchema, force: z.boolean().default(false) }),
    async run({ name: connection, with: target, force }, context) {
      const params = { namespace: await context.namespace(), connection, target };
      const query = force ? { force: 'true' as const } : {};
      const document = await (await context.api()).unshareConnection({ params, query });
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'set-orphan-policy',
    summary: 'Set what sweeps do with orphans. A setting whose flag is left out returns to its default',
    arguments: NAME,
    flags: ORPHAN_FLAGS,
    examples: ['connection set-orphan-policy sim-aws --orphan-action report'],
    input: named.extend({
      orphanAction: action,
      orphanGraceSeconds: graceSeconds.default(DEFAULT_ORPHAN_POLICY.graceSeconds),
    }),
    async run({ name: connection, orphanAction, orphanGraceSeconds }, context) {
      const document = await (await context.api()).setOrphanPolicy({
        params: { namespace: await context.namespace(), connection },
        body: { action: orphanAction, graceSeconds: orphanGraceSeconds },
      });
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'set-network',
    summary:
      'Set the network of fleets that say nothing of it. Existing networks are verified first; until then, the earlier setting stays',
    arguments: NAME,
    flags: [
      ['--mode <mode>', 'shared or dedicated'],
      [
        '--network-file <file>',
        'YAML or JSON file with existing networks by location: {mode: existing, existing: {…}}',
      ],
      ...WAIT_FLAGS,
    ],
    examples: [
      'connection set-network main --network-file network.yaml --wait',
      'connection set-network main --mode dedicated',
    ],
    input: named.extend({
      mode: z.enum(['shared', 'dedicated']).optional(),
      networkFile: z.string().optional(),
      ...waitInput.shape,
    }),
    async run({ name: connection, mode, networkFile, wait, timeout }, context) {
      if ((mode === undefined) === (networkFile === undefined))
        throw usageError('give either --mode or --network-file', 'Existing networks are given in a file.');
      const body =
        mode === undefined
          ? (await readYamlFile(context.world, networkFile ?? '-', connectionNetworkSchema)).value
          : { mode };
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).setConnectionNetwork({ params, body });
      if (wait) return await awaitConnection(context, document, timeout, isNetworkSet, wasNetworkRefused);
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'limits',
    summary:
      'Show the limits in force, the defaults, how to request more, what is used, why launches wait, and the quotas of the account',
    arguments: NAME,
    flags: [['--location <location>', 'show the quotas of this location']],
    examples: [
      'connection limits sim-aws',
      'connection limits sim-aws --location us-east-1',
      'connection limits sim-aws --json',
    ],
    input: named.extend({ location: cloudWordSchema.optional() }),
    async run({ name: connection, location }, context) {
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).getLimits({ params });
      const text = [connectionLimitsText(connection, document), quotasText(connection, document, location)];
      return { document, text: text.filter((part) => part !== '').join('\n') };
    },
  }),
  command({
    name: 'words',
    summary: 'List the texts of the cloud that the driver does not understand, with how often each was seen',
    arguments: NAME,
    examples: ['connection words spider-azure', 'connection words spider-azure --json'],
    input: named,
    async run({ name: connection }, context) {
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).getWords({ params });
      return { document, text: unknownWordsText(document) };
    },
  }),
  command({
    name: 'reopen',
    summary:
      'Let launches try quotas again that were used up, for example after the provider has raised them',
    arguments: NAME,
    flags: [['--location <location>', 'only in this location']],
    examples: ['connection reopen sim-aws', 'connection reopen sim-aws --location us-east-1'],
    input: named.extend({ location: cloudWordSchema.optional() }),
    async run({ name: connection, location }, context) {
      const document = await (await context.api()).reopenLimits({
        params: { namespace: await context.namespace(), connection },
        body: location === undefined ? {} : { location },
      });
      return { document, text: reopenedText(document) };
    },
  }),
  command({
    name: 'set-limits',
    summary: 'Override the cloud’s default limits. A field that the file leaves out is set to its default',
    arguments: NAME,
    flags: [
      [
        '--limits-file <file>',
        'YAML or JSON file; `tier: power` applies the overrides to the power profile; {} removes all overrides',
      ],
    ],
    examples: ['connection set-limits sim-aws --limits-file limits.yaml'],
    input: named.extend({ limitsFile: z.string() }),
    async run({ name: connection, limitsFile }, context) {
      const { value: body } = await readYamlFile(context.world, limitsFile, limitOverrideSchema);
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).setLimits({ params, body });
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'rotate-credential',
    summary: 'Replace the credential. The earlier one stays in force until the new one is verified',
    arguments: NAME,
    flags: [...CREDENTIAL_FLAGS, ...WAIT_FLAGS],
    examples: ['connection rotate-credential sim-aws --credential-file new.json --wait'],
    input: named.extend({ ...credentialInput, ...waitInput.shape }),
    async run({ name: connection, credential, credentialFile, wait, timeout }, context) {
      const body = { credential: await readCredential(context.world, { credential, credentialFile }) };
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).rotateCredential({ params, body });
      if (wait) return await awaitConnection(context, document, timeout, isRotated, wasRefused);
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'disable',
    summary: 'Accept no new fleets on a connection. Its existing fleets continue',
    arguments: NAME,
    examples: ['connection disable sim-aws'],
    input: named,
    async run({ name: connection }, context) {
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).disableConnection({ params });
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'enable',
    summary:
      'Verify the credential of a disabled connection, and accept new fleets again once it is verified',
    arguments: NAME,
    flags: WAIT_FLAGS,
    examples: ['connection enable sim-aws --wait'],
    input: named.extend(waitInput.shape),
    async run({ name: connection, wait, timeout }, context) {
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).enableConnection({ params });
      if (wait) return await awaitConnection(context, document, timeout, () => true);
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'verify',
    summary: 'Verify the credential again',
    arguments: NAME,
    flags: WAIT_FLAGS,
    examples: ['connection verify sim-aws --wait'],
    input: named.extend(waitInput.shape),
    async run({ name: connection, wait, timeout }, context) {
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).verifyConnection({ params });
      if (wait) return await awaitConnection(context, document, timeout, () => true);
      return { document, text: connectionText(document) };
    },
  }),
  command({
    name: 'sync-inventory',
    summary: 'Read the inventory (locations, offers and images) from the cloud now',
    arguments: NAME,
    flags: WAIT_FLAGS,
    examples: ['connection sync-inventory sim-aws --wait'],
    input: named.extend(waitInput.shape),
    async run({ name: connection, wait, timeout }, context) {
      const params = { namespace: await context.namespace(), connection };
      const document = await (await context.api()).syncInventory({ params });
      const before = document.inventorySyncedAt;
      if (wait)
        return await awaitConnection(context, document, timeout, (one) => one.inventorySyncedAt !== before);
      return { document, text: connectionText(document) };
    },
  }),
]);
