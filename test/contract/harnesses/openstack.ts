import * as z from 'zod';
import { openGate } from '../../calls/gates.ts';
import type { ProxiedRequest } from '../../fault-proxy/exchange.ts';
import { environmentOf, isUp } from '../../openstack/cloud.ts';
import { chosenHome } from '../../openstack/state.ts';
import { openstackDriver } from '../../samples/drivers.ts';
import {
  type CloudUnderTest,
  type Harness,
  HarnessUnavailable,
  type Obstruct,
  type Removable,
  refusedByProxy,
  type SentOptions,
} from '../suite/harness.ts';
import { OPENSTACK_ERRORS, THROTTLED } from './openstack-errors.ts';
import { deploymentsOf, removeLeftovers } from './openstack-leftovers.ts';

const PAGE_SIZE = 3;
/** Matches the names of the suite's machines and network resources. */
const NAMES = /^fw-contract-/;
const PLACEMENT_GROUP = 'machines-of-the-suite';
const RUN_FIRST = [
  'There is no OpenStack to test against. Run first, as root on Debian 12:',
  '  npm run test:openstack -- up',
  'or set the variables OS_… of your own cloud (its openrc file), with an application credential or a password.',
].join('\n');

const envSchema = z.object({
  OS_AUTH_URL: z.url(),
  OS_REGION_NAME: z.string().min(1),
  OS_APPLICATION_CREDENTIAL_ID: z.string().optional(),
  OS_APPLICATION_CREDENTIAL_SECRET: z.string().optional(),
  OS_USERNAME: z.string().optional(),
  OS_PASSWORD: z.string().optional(),
  OS_PROJECT_NAME: z.string().optional(),
  OS_USER_DOMAIN_NAME: z.string().optional(),
  OS_PROJECT_DOMAIN_NAME: z.string().optional(),
  FLEETWRIGHT_OPENSTACK_TYPE: z.string().default('m1.small').describe('a flavor'),
  FLEETWRIGHT_OPENSTACK_IMAGE: z.string().default('ubuntu-24.04'),
  FLEETWRIGHT_OPENSTACK_DISK_TYPE: z.string().optional().describe('a volume type that is not the default'),
});
type Env = z.output<typeof envSchema>;

/**
 * Reads the variables `OS_…`. If the variable `OS_AUTH_URL` is not set, reads the settings of the cloud that
 * the script `test:openstack` started.
 */
function readEnv(): Env {
  const home = chosenHome();
  const own = process.env['OS_AUTH_URL'] === undefined && isUp(home) ? environmentOf(home) : {};
  const variables = { ...process.env, ...own };
  if (variables['OS_AUTH_URL'] === undefined) throw new HarnessUnavailable(RUN_FIRST);
  const read = envSchema.safeParse(variables);
  if (read.success) return read.data;
  throw new HarnessUnavailable(
    `the variables OS_… are incomplete or invalid:\n${z.prettifyError(read.error)}`,
  );
}

const FIELDS = {
  applicationCredentialId: 'OS_APPLICATION_CREDENTIAL_ID',
  applicationCredentialSecret: 'OS_APPLICATION_CREDENTIAL_SECRET',
  username: 'OS_USERNAME',
  password: 'OS_PASSWORD',
  projectName: 'OS_PROJECT_NAME',
  userDomainName: 'OS_USER_DOMAIN_NAME',
  projectDomainName: 'OS_PROJECT_DOMAIN_NAME',
} as const;

function credentialOf(env: Env): Record<string, string> {
  const isApplication = env.OS_APPLICATION_CREDENTIAL_ID !== undefined;
  return Object.fromEntries(
    Object.entries(FIELDS).flatMap(([field, variable]) => {
      const value = env[variable];
      return value === undefined || field.startsWith('applicationCredential') !== isApplication
        ? []
        : [[field, value]];
    }),
  );
}

/** Returns the name of a request's call, with `id` in place of any id: `nova:GET /servers/id`. */
function callOf({ upstream, method, path }: ProxiedRequest): string {
  const parts = new URL(path, 'http://cloud').pathname
    .split('/')
    .filter((part) => part !== '' && !/^v\d/.test(part));
  const [kind = '', id, verb] = parts;
  const isId = id !== undefined && id !== 'detail' && id !== 'tokens';
  const what = [kind, ...(id === undefined ? [] : [isId ? 'id' : id]), ...(verb === undefined ? [] : [verb])];
  return `${upstream}:${method} /${what.join('/')}`;
}

/** Lowers the page size, so that a few machines need several pages. */
function rewrite(request: ProxiedRequest): ProxiedRequest {
  return { ...request, path: request.path.replace(/\blimit=\d+/, `limit=${PAGE_SIZE}`) };
}

const createSchema = z.object({
  server: z.object({ user_data: z.string().optional(), metadata: z.record(z.string(), z.string()) }),
  'os:scheduler_hints': z.object({ group: z.string() }).optional(),
});

function createdBy(request: ProxiedRequest) {
  if (callOf(request) !== 'nova:POST /servers') return undefined;
  return createSchema.parse(JSON.parse(request.body.toString('utf8')));
}

function userDataOf(request: ProxiedRequest): Buffer | undefined {
  const data = createdBy(request)?.server.user_data;
  return data === undefined ? undefined : Buffer.from(data, 'base64');
}

function optionsOf(request: ProxiedRequest): SentOptions | undefined {
  const created = createdBy(request);
  return created && { tags: created.server.metadata, placementGroup: created['os:scheduler_hints']?.group };
}

/** Removes the addresses of servers from the body of an answer of Nova. */
function withoutAddresses(body: string): string {
  if (!body.includes('"addresses"')) return body;
  return JSON.stringify(JSON.parse(body), (name, value) => (name === 'addresses' ? {} : value));
}

const tokenSchema = z.object({
  token: z.object({
    catalog: z.array(
      z.object({
        type: z.string(),
        endpoints: z.array(z.object({ interface: z.string(), region_id: z.string(), url: z.string() })),
      }),
    ),
  }),
});
const groupSchema = z.object({
  security_group: z.object({
    security_group_rules: z.array(
      z.object({
        direction: z.string(),
        protocol: z.string().nullable(),
        port_range_min: z.number().nullable(),
        port_range_max: z.number().nullable(),
        remote_ip_prefix: z.string().nullable(),
        remote_group_id: z.string().nullable(),
      }),
    ),
  }),
});
const UPSTREAMS = { nova: 'compute', neutron: 'network', glance: 'image' } as const;
/** Types of Cinder in Keystone's catalogue. A cloud may lack Cinder. */
const CINDER = ['volumev3', 'block-storage'] as const;
/** What the driver cannot do at a cloud without Cinder. */
const NEED_CINDER = ['volumes', 'disk-types', 'data-disks', 'kept-disks'] as const;

/** Reads the cloud directly, without the driver. */
class Direct {
  readonly #env: Env;
  readonly #identity: string;
  #token = '';
  #endpoints: ReadonlyMap<string, string> = new Map();

  constructor(env: Env) {
    this.#env = env;
    this.#identity = env.OS_AUTH_URL.replace(/\/+$/, '').replace(/(\/v3)?$/, '/v3');
  }

  async signIn(): Promise<void> {
    const { OS_USER_DOMAIN_NAME: userDomain = 'Default', ...env } = this.#env;
    const id = env.OS_APPLICATION_CREDENTIAL_ID;
    const user = { name: env.OS_USERNAME, password: env.OS_PASSWORD, domain: { name: userDomain } };
    const project = { name: env.OS_PROJECT_NAME, domain: { name: env.OS_PROJECT_DOMAIN_NAME ?? userDomain } };
    const secret = env.OS_APPLICATION_CREDENTIAL_SECRET;
    const auth =
      id === undefined
        ? { identity: { methods: ['password'], password: { user } }, scope: { project } }
        : { identity: { methods: ['application_credential'], application_credential: { id, secret } } };
    const response = await fetch(`${this.#identity}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    });
    if (!response.ok)
      throw new HarnessUnavailable(`Keystone refuses the credential: ${await response.text()}`);
    this.#token = response.headers.get('x-subject-token') ?? '';
    const { catalog } = tokenSchema.parse(await response.json()).token;
    this.#endpoints = new Map(
      catalog.flatMap(({ type, endpoints }) =>
        endpoints
          .filter((one) => one.interface === 'public' && one.region_id === env.OS_REGION_NAME)
          .map(({ url }) => [type, url]),
      ),
    );
  }

  get hasCinder(): boolean {
    return CINDER.some((type) => this.#endpoints.has(type));
  }

  endpointOf(type: string): string {
    const url = this.#endpoints.get(type);
    if (url === undefined) throw new HarnessUnavailable(`${this.#env.OS_REGION_NAME} has no ${type} service`);
    return url;
  }

  /**
   * URLs of the services. Keystone's URL contains the API's version. Every other service's URL is only the
   * origin of its address in Keystone's catalogue.
   */
  get upstreams(): Record<string, string> {
    const others = Object.entries(UPSTREAMS).map(([name, type]) => [
      name,
      new URL(this.endpointOf(type)).origin,
    ]);
    const cinder = CINDER.flatMap((type) => this.#endpoints.get(type) ?? []).slice(0, 1);
    const volumes = cinder.map((url) => ['cinder', new URL(url).origin]);
    return { keystone: this.#identity, ...Object.fromEntries([...others, ...volumes]) };
  }

  async read(type: string, path: string): Promise<unknown> {
    return await (await this.#send(type, path)).json();
  }

  /** @returns the answer, which has a body unless `method` is DELETE */
  async change(type: string, method: 'POST' | 'DELETE', path: string, body?: object): Promise<Response> {
    const response = await this.#send(type, path, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path} failed: ${await response.text()}`);
    return response;
  }

  async #send(type: string, path: string, init: RequestInit = {}): Promise<Response> {
    const base = this.endpointOf(type).replace(/\/+$/, '');
    const headers = { 'x-auth-token': this.#token, 'content-type': 'application/json' };
    return await fetch(`${base}${path}`, { ...init, headers });
  }

  /** Makes a server group for machines, which the driver never makes. Returns its id. */
  async makeServerGroup(): Promise<string> {
    const server_group = { name: PLACEMENT_GROUP, policies: ['affinity'] };
    const made = await this.change('compute', 'POST', '/os-server-groups', { server_group });
    return z.object({ server_group: serverGroupSchema }).parse(await made.json()).server_group.id;
  }

  /** Removes the suite's server groups: the one for machines, and those that the driver made for writer marks. */
  async removeServerGroups(): Promise<void> {
    const listSchema = z.object({ server_groups: z.array(serverGroupSchema) });
    const { server_groups } = listSchema.parse(await this.read('compute', '/os-server-groups'));
    for (const { id, name } of server_groups) {
      if (name === PLACEMENT_GROUP || NAMES.test(name))
        await this.change('compute', 'DELETE', `/os-server-groups/${id}`);
    }
  }

  /** Returns the names of the suite's resources of one kind. */
  async names(type: string, path: string, key: string): Promise<string[]> {
    const named = z.looseObject({
      name: z.string().optional(),
      keypair: z.object({ name: z.string() }).optional(),
    });
    const answer = z.looseObject({ [key]: z.array(named) }).parse(await this.read(type, path));
    const items = z.array(named).parse(answer[key]);
    return items.map((one) => one.name ?? one.keypair?.name ?? '').filter((name) => NAMES.test(name));
  }
}

/** The suite's user may be an administrator, whom Nova lets remove a locked server. */
const LOCKED = 'Instance is locked';
const locked = {
  status: 409,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ conflictingRequest: { code: 409, message: LOCKED } }),
};

const serverGroupSchema = z.object({ id: z.string(), name: z.string() });
const portSchema = z.object({ port: z.object({ id: z.string() }) });

/** Makes a port of something foreign in the network. */
const occupyBy =
  (direct: Direct): Obstruct =>
  async ({ backendId }) => {
    const port = {
      network_id: backendId,
      name: 'foreign',
      device_owner: 'contract:foreign',
      device_id: 'foreign',
    };
    const made = await direct.change('network', 'POST', '/v2.0/ports', { port });
    const { id } = portSchema.parse(await made.json()).port;
    return {
      words: id,
      lift: async () => void (await direct.change('network', 'DELETE', `/v2.0/ports/${id}`)),
    };
  };

const portsSchema = z.object({
  ports: z.array(
    z.object({
      id: z.string(),
      network_id: z.string(),
      name: z.string(),
      description: z.string(),
      device_owner: z.string(),
      device_id: z.string(),
    }),
  ),
});

/** Removes the ports that an interrupted run made in its networks. With them, the networks could not be removed. */
async function removeStrayPorts(direct: Direct): Promise<void> {
  const networks = z
    .object({ networks: z.array(z.object({ id: z.string(), name: z.string() })) })
    .parse(await direct.read('network', '/v2.0/networks'));
  const { servers } = z
    .object({ servers: z.array(z.object({ id: z.string() })) })
    .parse(await direct.read('compute', '/servers'));
  const alive = new Set(servers.map(({ id }) => id));
  for (const network of networks.networks.filter(({ name }) => NAMES.test(name))) {
    const { ports } = portsSchema.parse(await direct.read('network', `/v2.0/ports?network_id=${network.id}`));
    const strays = ports.filter(
      ({ device_owner: owner, device_id: device }) =>
        /^(compute|contract):/.test(owner) && !alive.has(device),
    );
    for (const { id } of strays) await direct.change('network', 'DELETE', `/v2.0/ports/${id}`);
  }
}

/** Copies a server's port, because no request makes Nova leave a port behind. */
const leftoverAt = (direct: Direct) => async (machine: Removable) => {
  const path = `/v2.0/ports?device_id=${machine.backendId}`;
  const { ports } = portsSchema.parse(await direct.read('network', path));
  if (ports.length === 0) throw new Error(`server ${machine.backendId} has no port`);
  return {
    leave: async () => {
      for (const { id: _, ...port } of ports) await direct.change('network', 'POST', '/v2.0/ports', { port });
    },
  };
};

async function start(): Promise<CloudUnderTest> {
  const env = readEnv();
  const direct = new Direct(env);
  await direct.signIn().catch((error: unknown) => {
    if (error instanceof HarnessUnavailable) throw error;
    throw new HarnessUnavailable(`Keystone does not answer at ${env.OS_AUTH_URL}\n${RUN_FIRST}`);
  });
  const credential = credentialOf(env);
  const { FLEETWRIGHT_OPENSTACK_DISK_TYPE: diskType } = env;
  const secretField = 'password' in credential ? 'password' : 'applicationCredentialSecret';
  const versions = z
    .object({ version: z.object({ version: z.string() }) })
    .safeParse(await direct.read('compute', '/'));
  const namesLeft = async () => {
    const names = await Promise.all([
      direct.names('compute', '/servers', 'servers'),
      direct.names('compute', '/os-keypairs', 'keypairs'),
      ...['networks', 'subnets', 'routers'].map((kind) => direct.names('network', `/v2.0/${kind}`, kind)),
      direct.names('network', '/v2.0/security-groups', 'security_groups'),
    ]);
    return names.flat();
  };
  // An interrupted run leaves its groups, and a project may have only a few: ten, unless the operator allows more.
  await direct.removeServerGroups();
  const placementGroup = await direct.makeServerGroup();
  return {
    server: 'OpenStack (Nova, Neutron, Glance, Keystone)',
    serverVersion: `Nova ${versions.data?.version.version ?? 'of an unknown version'}`,
    cloud: 'openstack',
    upstreams: direct.upstreams,
    endpoint: (urlOf) => urlOf('keystone'),
    dialect: { callOf, throttled: THROTTLED, rewrite },
    idempotency: 'server',
    tellsAddresses: true,
    calls: {
      verify: 'keystone:POST /auth/tokens',
      list: 'nova:GET /servers/detail',
      create: 'nova:POST /servers',
      afterCreate: [],
      get: 'nova:GET /servers/id',
      terminate: 'nova:DELETE /servers/id',
      ensureNetwork: 'neutron:POST /networks',
    },
    credential,
    wrongCredential: { ...credential, [secretField]: 'another-secret-of-the-suite' },
    location: env.OS_REGION_NAME,
    // A small cloud has only one region.
    secondLocation: env.OS_REGION_NAME,
    unknownLocation: 'no-such-region',
    zone: 'nova',
    instanceType: env.FLEETWRIGHT_OPENSTACK_TYPE,
    image: env.FLEETWRIGHT_OPENSTACK_IMAGE,
    async imageOfOtherArchitecture(client) {
      const images = await client.listImages(env.OS_REGION_NAME);
      return images.find(({ architectures }) => architectures.includes('arm64'))?.backendId ?? '';
    },
    groupsBelongToNetworks: false,
    unknownImageBackendId: '00000000-0000-4000-8000-000000000000',
    unknownBackendId: '00000000-0000-4000-8000-000000000000',
    unknownVolumeBackendId: '00000000-0000-4000-8000-000000000000',
    ...(diskType === undefined ? {} : { diskType }),
    lacks: direct.hasCinder ? (diskType === undefined ? ['disk-types'] : []) : NEED_CINDER,
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl contract',
    moreThanAPage: PAGE_SIZE + 1,
    // Nova lists a server immediately after the answer to the create.
    consistencyWindowMs: 1_000,
    timeLimitMs: 120_000,
    errors: OPENSTACK_ERRORS,
    userDataOf,
    placementGroup,
    optionsOf,
    withoutAddresses,
    protect: refusedByProxy('nova:DELETE /servers/id', locked, LOCKED),
    leftoverOf: leftoverAt(direct),
    occupy: occupyBy(direct),
    async rulesOf(id) {
      const { security_group: group } = groupSchema.parse(
        await direct.read('network', `/v2.0/security-groups/${id}`),
      );
      return group.security_group_rules.flatMap((rule) => {
        if (rule.direction !== 'ingress') return [];
        const protocol = (rule.protocol ?? '').replace(/^ipv6-icmp$/, 'icmp');
        const ports = rule.port_range_min === null ? [] : [`${rule.port_range_min}-${rule.port_range_max}`];
        return [[protocol, ...ports, rule.remote_group_id ?? rule.remote_ip_prefix].join(' ')];
      });
    },
    async reset() {
      await removeStrayPorts(direct);
      for (const deploymentId of deploymentsOf(await namesLeft())) {
        const options = {
          cloud: 'openstack' as const,
          credential,
          endpoint: env.OS_AUTH_URL,
          deploymentId,
          calls: openGate,
        };
        await removeLeftovers(openstackDriver.connect(options), env.OS_REGION_NAME);
      }
    },
    countLeft: async () => (await namesLeft()).length,
    stop: () => direct.removeServerGroups(),
  };
}

export const openstackHarness: Harness = { driver: openstackDriver, start };
