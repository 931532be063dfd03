import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { HOST } from './configure.ts';
import { environmentOfPrograms, python } from './packages.ts';
import { run } from './run.ts';
import { sql } from './services.ts';
import { type Home, PASSWORD, type Ports, REGION } from './state.ts';

const HOST_MS = 120_000;
const idSchema = z.object({ id: z.string() });

/** Sends JSON requests to the services with one user's token. */
class Admin {
  readonly #ports: Ports;
  #token = '';

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  async signIn(): Promise<void> {
    this.#token = (await this.#authenticate('admin', 'admin')).token;
  }

  async signInAs(user: string): Promise<{ admin: Admin; userId: string }> {
    const other = new Admin(this.#ports);
    const { token, userId } = await this.#authenticate(user, PROJECT);
    other.#token = token;
    return { admin: other, userId };
  }

  async #authenticate(user: string, project: string) {
    const domain = { name: 'Default' };
    const { headers, body } = await this.#exchange('POST', 'keystone', '/v3/auth/tokens', {
      auth: {
        identity: { methods: ['password'], password: { user: { name: user, password: PASSWORD, domain } } },
        scope: { project: { name: project, domain } },
      },
    });
    const { token } = z.object({ token: z.object({ user: idSchema }) }).parse(body);
    return { token: headers.get('x-subject-token') ?? '', userId: token.user.id };
  }

  /** Returns the body of the answer. @throws Error if the status is not 200 to 299 */
  async ask(method: string, service: keyof Ports, path: string, body?: unknown): Promise<unknown> {
    return (await this.#exchange(method, service, path, body)).body;
  }

  async make(service: keyof Ports, path: string, key: string, body: object): Promise<string> {
    const answer = await this.ask('POST', service, path, { [key]: body });
    return z.object({ [key]: idSchema }).parse(answer)[key]?.id ?? '';
  }

  async #exchange(method: string, service: keyof Ports, path: string, body?: unknown) {
    const isRaw = body instanceof Uint8Array;
    const response = await fetch(`http://127.0.0.1:${this.#ports[service]}${path}`, {
      method,
      headers: {
        'x-auth-token': this.#token,
        'content-type': isRaw ? 'application/octet-stream' : 'application/json',
      },
      ...(body === undefined ? {} : { body: isRaw ? Buffer.from(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${service}${path}: ${response.status} ${text}`);
    return { headers: response.headers, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  }
}

export const PROJECT = 'fleetwright';
const USER = 'fleetwright';

export interface Seeded {
  applicationCredentialId: string;
  applicationCredentialSecret: string;
}

/**
 * Fills Keystone's catalogue. Must run before the services start, because the services find each other in the
 * catalogue.
 */
export async function seedCatalogue(ports: Ports): Promise<void> {
  const admin = new Admin(ports);
  await admin.signIn();
  const services = [
    ['placement', 'placement', `http://127.0.0.1:${ports.placement}`],
    ['nova', 'compute', `http://127.0.0.1:${ports.nova}/v2.1`],
    ['glance', 'image', `http://127.0.0.1:${ports.glance}`],
    ['neutron', 'network', `http://127.0.0.1:${ports.neutron}`],
  ] as const;
  for (const [name, type, url] of services) {
    const service_id = await admin.make('keystone', '/v3/services', 'service', { name, type });
    for (const kind of ['public', 'internal', 'admin']) {
      const endpoint = { service_id, interface: kind, url, region_id: REGION };
      await admin.make('keystone', '/v3/endpoints', 'endpoint', endpoint);
    }
  }
}

/**
 * Creates what an operator provides: flavors, images, an external network and a host. Also creates a project with
 * a user without administrator rights, and that user's application credential.
 */
export async function seedCloud(home: Home, ports: Ports): Promise<Seeded> {
  const admin = new Admin(ports);
  await admin.signIn();
  await seedHost(home, admin);
  for (const [name, vcpus, ram, disk] of [
    ['m1.small', 1, 512, 1],
    ['m1.large', 2, 2_048, 20],
    ['m1.huge', 64, 1_000_000, 1],
  ] as const) {
    await admin.make('nova', '/v2.1/flavors', 'flavor', { name, vcpus, ram, disk });
  }
  for (const [name, architecture] of [
    ['Ubuntu 24.04 LTS', 'x86_64'],
    ['debian-12-arm64', 'aarch64'],
  ]) {
    const image = { name, architecture, visibility: 'public', container_format: 'bare', disk_format: 'raw' };
    const { id } = idSchema.parse(await admin.ask('POST', 'glance', '/v2/images', image));
    await admin.ask('PUT', 'glance', `/v2/images/${id}/file`, new Uint8Array(1_024));
  }
  const outside = { name: 'outside', 'router:external': true, is_default: true };
  const network_id = await admin.make('neutron', '/v2.0/networks', 'network', outside);
  const subnet = { network_id, cidr: '203.0.113.0/24', ip_version: 4, enable_dhcp: false };
  await admin.make('neutron', '/v2.0/subnets', 'subnet', subnet);
  return await seedUser(admin);
}

async function seedUser(admin: Admin): Promise<Seeded> {
  const project = await admin.make('keystone', '/v3/projects', 'project', { name: PROJECT });
  const user = await admin.make('keystone', '/v3/users', 'user', { name: USER, password: PASSWORD });
  const answer = await admin.ask('GET', 'keystone', '/v3/roles?name=member');
  const [role] = z.object({ roles: z.array(idSchema).min(1) }).parse(answer).roles;
  await admin.ask('PUT', 'keystone', `/v3/projects/${project}/users/${user}/roles/${role?.id}`);
  const { admin: member, userId } = await admin.signInAs(USER);
  const secret = randomUUID();
  const path = `/v3/users/${userId}/application_credentials`;
  const credential = { name: 'fleetwright', secret, roles: [{ name: 'member' }] };
  const id = await member.make('keystone', path, 'application_credential', credential);
  return { applicationCredentialId: id, applicationCredentialSecret: secret };
}

/**
 * Registers Nova's host and Neutron's agent. The agent is only a database row, because no machine has a real
 * port.
 */
async function seedHost(home: Home, admin: Admin): Promise<void> {
  const agent = {
    bridge_mappings: {},
    tunnel_types: [],
    tunneling_ip: null,
    ovs_hybrid_plug: false,
    datapath_type: 'system',
    l2_population: false,
  };
  const row = [
    ...['uuid()', "'Open vSwitch agent'", "'neutron-openvswitch-agent'", "'N/A'", `'${HOST}'`, '1', 'now()'],
    ...['now()', 'now()', 'null', `'${JSON.stringify(agent)}'`, '0', "'nova'", 'null', '1'],
  ];
  sql(home, `insert into agents values (${row.join(', ')})`, 'neutron');
  await hostIsUp(admin);
  const manage = [...python(home, 'bin/nova-manage'), '--config-file', home.at('etc/nova.conf')];
  run([...manage, 'cell_v2', 'discover_hosts'], { env: environmentOfPrograms(home) });
}

/** Waits until Nova reports its host as up. */
export async function waitForHost(ports: Ports): Promise<void> {
  const admin = new Admin(ports);
  await admin.signIn();
  await hostIsUp(admin);
}

async function hostIsUp(admin: Admin): Promise<void> {
  const schema = z.object({ services: z.array(z.object({ state: z.string() })) });
  const untilMs = Date.now() + HOST_MS;
  for (;;) {
    const answer = await admin.ask('GET', 'nova', '/v2.1/os-services?binary=nova-compute');
    if (schema.parse(answer).services.some(({ state }) => state === 'up')) return;
    if (Date.now() > untilMs)
      throw new Error(`nova-compute is not up after ${HOST_MS / 1_000} s: see its log in the folder log`);
    await sleep(500);
  }
}
