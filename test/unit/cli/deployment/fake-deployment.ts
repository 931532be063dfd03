import type { AwsCalls } from '../../../../cli/shell/aws-calls.ts';
import type { DeploymentTables, Ending, Standing } from '../../../../cli/shell/direct-tables.ts';
import { ALL_RIGHTS } from '../../../../functions/model/access.ts';
import type { Connection } from '../../../../functions/model/connection.ts';
import { type Answers, cli } from '../world.ts';
import { type AwsAnswers, absent, FakeAccount, FINE } from './fake-account.ts';
import { STAGE_NEEDS } from './stage-needs.ts';

export const NAME = 'Fleetwright-production';
const FLEETS = '/v1/namespaces/default/fleets';
const STEPS = ['accepting', 'fleets', 'networks', 'clouds', 'secrets', 'stack'] as const;

type StandingFleet = Standing['fleets'][number];
type Possessions = Awaited<ReturnType<DeploymentTables['readPossessions']>>;

export const connection = (name: string, more: Partial<Connection> = {}): Connection => ({
  ...{ namespace: 'default', name, id: `c-${name}`, driver: 'sim', cloud: 'aws', status: 'Ready' },
  ...{ createdAt: '2026-01-01T00:00:00Z', verifiedAt: '2026-01-01T00:00:01Z' },
  ...more,
});

export const fleet = (name: string, at: string, instances = 2): StandingFleet => ({
  ...{ namespace: 'default', fleetId: `f-${name}`, name, status: 'Running', networks: 3 },
  sites: [{ connection: at, location: 'us-east-1', instances }],
});

const FAILED = { code: 'Unauthorized', message: 'the key was revoked' };
export const failing = (name: string) => connection(name, { status: 'Failed', failure: FAILED });

export interface FakeSetting {
  fleets?: StandingFleet[];
  connections?: Connection[];
  ending?: Ending;
  /** Findings of each sweep. */
  findings?: { kind: string; backendId: string; reason: string; state: string }[];
  keptDisks?: Possessions['keptDisks'];
  /** True: the API knows of a kept disk that the tables did not have before. */
  lateDisk?: boolean;
  aws?: AwsAnswers;
  /** Runs before each sleep. */
  onSleep?: (deployment: FakeDeployment, interrupt: () => void) => void;
  typed?: string;
  writeNewFile?: (path: string, text: string) => Promise<void>;
}

/**
 * A fake deployment with its stack, tables, API and clouds. Its state changes with the requests: a deleted fleet is
 * gone at the next look, unless its connection has failed. `events` has everything that changed something, in order.
 */
export class FakeDeployment {
  readonly events: string[] = [];
  readonly files: Record<string, string> = {};
  readonly connections: Connection[];
  fleets: StandingFleet[];
  ending: Ending | undefined;
  parameters = ['/fleetwright/production/deployment/beat', '/fleetwright/production/ssh/f-one'];
  tableNames = ['prod-fleets', 'prod-access'];
  stackStatus: 'UPDATE_COMPLETE' | 'DELETE_IN_PROGRESS' | 'DELETE_FAILED' | undefined = 'UPDATE_COMPLETE';
  isProtected = true;
  /** Status of the stack after a request to delete it. */
  afterDelete: 'DELETE_FAILED' | undefined;
  readonly account: FakeAccount;
  readonly #setting: FakeSetting;
  readonly #leaving = new Set<string>();

  constructor(setting: FakeSetting = {}) {
    this.#setting = setting;
    this.fleets = setting.fleets ?? [fleet('one', 'sim-aws'), fleet('two', 'sim-gcp')];
    this.connections = setting.connections ?? [connection('sim-aws'), connection('sim-gcp')];
    this.ending = setting.ending;
    this.account = new FakeAccount({ ...FINE, ...this.#aws(), ...setting.aws });
  }

  async run(...flags: string[]) {
    const { typed, writeNewFile, onSleep } = this.#setting;
    const result = await cli(['deployment', 'destroy', '--stage', 'production', '--json', ...flags], {
      answers: this.#api(),
      ...(onSleep ? { onSleep: (_count, interrupt) => onSleep(this, interrupt) } : {}),
      world: {
        openAccount: async () => this.account,
        openTables: async () => this.tables(),
        stageNeeds: async () => STAGE_NEEDS,
        ask: async () => typed,
        writeNewFile:
          writeNewFile ??
          (async (path, text) => {
            this.events.push('file');
            this.files[path] = text;
          }),
      },
    });
    return { ...result, document: JSON.parse(result.stdout) };
  }

  tables(): DeploymentTables {
    return {
      deploymentId: async () => 'the-id',
      readEnding: async () => (this.ending?.state === 'ending' ? this.ending : undefined),
      beginEnding: async (by) => {
        const since = '2026-01-01T00:00:00.000Z';
        if (this.ending?.state !== 'ending') {
          this.ending = { state: 'ending', endingId: 'e1', step: 'accepting', since, by };
          this.events.push('stop accepting');
        }
        return this.ending;
      },
      enterStep: async (endingId, step) => {
        if (this.ending?.state !== 'ending' || this.ending.endingId !== endingId) return false;
        if (STEPS.indexOf(step) > STEPS.indexOf(this.ending.step)) this.ending = { ...this.ending, step };
        return true;
      },
      cancelEnding: async () => {
        if (this.ending?.state !== 'ending') return 'not-ending';
        if (STEPS.indexOf(this.ending.step) >= STEPS.indexOf('secrets')) return 'too-late';
        this.ending = { ...this.ending, state: 'open' };
        return 'reopened';
      },
      closeLaunchGate: async () => {
        this.events.push('close gate');
        return this.fleets.length;
      },
      readStanding: async () => {
        const stays = ({ fleetId, sites }: StandingFleet) =>
          !this.#leaving.has(fleetId) || sites.some((site) => this.#hasFailed(site.connection));
        const standing = { fleets: this.fleets, connections: this.connections };
        this.fleets = this.fleets.filter(stays);
        return standing;
      },
      readPossessions: async () => this.#possessions(),
      issueKey: async () => ({
        id: 'k1',
        name: 'deployment-destroy',
        ...ALL_RIGHTS,
        createdAt: '',
        key: 'fw_k1',
      }),
      revokeKey: async () => {
        this.events.push('revoke key');
        return true;
      },
    };
  }

  #hasFailed(name: string): boolean {
    return this.connections.some((one) => one.name === name && one.status === 'Failed');
  }

  #possessions(): Possessions {
    const machines = this.fleets.flatMap(({ name, namespace, sites }) =>
      sites.flatMap(({ connection: at, location, instances }) =>
        Array.from({ length: instances }, (_, index) => ({
          ...{
            namespace,
            connection: at,
            cloud: 'aws',
            location,
            zone: null,
            backendId: `i-${name}-${index}`,
          },
          ...{ name: `f-${name}-${index}`, fleet: name, status: 'Running' as const },
          ...{ publicIp: null, privateIp: null, launchToken: `t-${index}` },
        })),
      ),
    );
    return { machines, networks: [], keptDisks: this.#setting.keptDisks ?? [] };
  }

  #api(): Answers {
    const findings = (this.#setting.findings ?? []).map((one) => ({
      ...{ connection: 'sim-aws', location: 'us-east-1', action: 'wait' },
      ...one,
    }));
    const page = (items: readonly object[]) => ({ body: { items, cursor: null } });
    const found: Answers = {
      'GET /v1/namespaces': page([{ name: 'default', createdAt: '2026-01-01T00:00:00Z' }]),
      'GET /v1/namespaces/default/resources': page([]),
      'POST /v1/namespaces/default/networks/remove': { body: { removing: [] } },
      'GET /v1/namespaces/default/orphans': page([]),
      'POST /v1/namespaces/default/orphans/sweep': () => {
        this.events.push('sweep');
        return {
          status: 202,
          body: {
            ...{ id: 's0123456789abcdef', namespace: 'default', dryRun: true, connections: ['sim-aws'] },
            ...{ status: 'Done', places: { found: 1, done: 1, failed: 0 }, findings, findingsLeftOut: 0 },
            ...{ failures: [], createdAt: '2026-01-01T00:00:00Z' },
          },
        };
      },
    };
    for (const one of this.fleets) {
      found[`DELETE ${FLEETS}/${one.fleetId}`] = () => {
        this.events.push(`delete ${one.name}`);
        this.#leaving.add(one.fleetId);
        // 404: the answer to a fleet that another command has removed; the command does not read the body.
        return {
          status: 404,
          body: { code: 'not-found', detail: 'gone', title: '', requestId: '', errors: [] },
        };
      };
    }
    for (const { name } of this.connections) {
      found[`DELETE /v1/namespaces/default/connections/${name}`] = ({ path }) => {
        const isKeeping = this.#setting.lateDisk || this.#possessions().keptDisks.length > 0;
        if (isKeeping && !path.endsWith('?forgetDisks=true')) {
          this.events.push(`keep ${name}`);
          const body = { code: 'disks-kept', detail: '1 kept disk', title: '', requestId: '', errors: [] };
          return { status: 409, body };
        }
        const isUsed = this.fleets.some(({ sites }) => sites.some((site) => site.connection === name));
        this.events.push(`${isUsed ? 'keep' : 'delete'} ${name}`);
        const problem = { code: 'in-use', detail: 'used', title: '', requestId: '', errors: [] };
        return isUsed ? { status: 409, body: problem } : { status: 204 };
      };
    }
    return found;
  }

  #aws(): AwsAnswers {
    return {
      'cloudformation:DescribeStacks': (input) => {
        if (this.stackStatus === undefined) return absent('cloudformation:DescribeStacks')();
        return { Stacks: [this.#stack(input.StackName ?? '')] };
      },
      'cloudformation:ListStacks': () => ({
        StackSummaries: [
          { StackName: NAME, StackId: 'arn:old', CreationTime: new Date(0), StackStatus: 'DELETE_COMPLETE' },
        ],
      }),
      'cloudformation:ListStackResources': () => ({
        StackResourceSummaries: this.tableNames.map((PhysicalResourceId) => ({
          ...{ LogicalResourceId: PhysicalResourceId, PhysicalResourceId },
          ...{ ResourceType: 'AWS::DynamoDB::GlobalTable', ResourceStatus: 'CREATE_COMPLETE' as const },
          LastUpdatedTimestamp: new Date(0),
        })),
      }),
      'cloudformation:UpdateTerminationProtection': ({ EnableTerminationProtection }) => {
        this.isProtected = EnableTerminationProtection === true;
        return {};
      },
      'cloudformation:DeleteStack': () => {
        if (this.isProtected) throw new Error('the stack is protected');
        this.events.push('delete stack');
        this.stackStatus = this.afterDelete;
        return {};
      },
      'cloudformation:DescribeStackEvents': () => ({
        StackEvents: [
          {
            ...{ StackId: 'arn:stack', StackName: NAME, EventId: '1', Timestamp: new Date(0) },
            ...{ LogicalResourceId: 'Role', ResourceStatus: 'DELETE_FAILED', ResourceStatusReason: 'in use' },
          },
        ],
      }),
      'ssm:DescribeParameters': () => ({ Parameters: this.parameters.map((Name) => ({ Name })) }),
      'ssm:DeleteParameters': ({ Names = [] }) => {
        this.events.push('delete parameters');
        this.parameters = this.parameters.filter((name) => !Names.includes(name));
        return {};
      },
      'dynamodb:ListTables': () => ({ TableNames: this.tableNames }),
      'dynamodb:DeleteTable': ({ TableName }) => {
        this.events.push(`delete table ${TableName}`);
        this.tableNames = this.tableNames.filter((name) => name !== TableName);
        return {};
      },
    };
  }

  #stack(
    StackId: string,
  ): NonNullable<AwsCalls['cloudformation:DescribeStacks']['output']['Stacks']>[number] {
    return {
      ...{
        StackName: NAME,
        StackId,
        CreationTime: new Date(0),
        EnableTerminationProtection: this.isProtected,
      },
      StackStatus: this.stackStatus,
      Outputs: Object.entries({
        ...{ FleetsTable: 'prod-fleets', AccessTable: 'prod-access', ApiUrl: 'https://api.test' },
        ...{ SecretsPrefix: '/fleetwright/production', QueueUrls: '{"sim":"https://sqs/sim"}' },
      }).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
    };
  }
}
