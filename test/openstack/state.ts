import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** What is kept between commands: where everything listens. Passwords here guard a cloud on 127.0.0.1 that runs nothing. */
const portsSchema = z.object({
  mariadb: z.int(),
  epmd: z.int(),
  rabbitmq: z.int(),
  rabbitmqNodes: z.int(),
  memcached: z.int(),
  keystone: z.int(),
  placement: z.int(),
  glance: z.int(),
  neutron: z.int(),
  nova: z.int(),
});
export type Ports = z.infer<typeof portsSchema>;

/** Where OpenStack's services are looked for by everybody; their stores are out of the way of the machine's own. */
const USUAL_PORTS: Ports = {
  mariadb: 13_306,
  epmd: 14_369,
  rabbitmq: 15_673,
  rabbitmqNodes: 15_674,
  memcached: 11_299,
  keystone: 5_000,
  placement: 8_778,
  glance: 9_292,
  neutron: 9_696,
  nova: 8_774,
};

export const PASSWORD = 'openstack-of-the-tests';
export const REGION = 'RegionOne';

/** The folder that has all of it: databases, configurations, logs, process ids. */
export class Home {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  at(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  /** Of a package that is unpacked here: a path below `/usr`. */
  unpacked(path: string): string {
    return this.at('debs', 'unpacked', 'usr', path);
  }

  make(...folders: readonly string[]): void {
    for (const folder of folders) mkdirSync(this.at(folder), { recursive: true });
  }

  write(name: string, text: string): void {
    writeFileSync(this.at(name), text, { mode: 0o600 });
  }

  /** @throws Error when nothing is installed here */
  ports(): Ports {
    return portsSchema.parse(JSON.parse(readFileSync(this.at('ports.json'), 'utf8')));
  }

  /** Keystone's catalogue has them, so that they are chosen once and kept. */
  async choosePorts(): Promise<Ports> {
    const ports: Record<string, number> = {};
    for (const [name, usual] of Object.entries(USUAL_PORTS)) {
      ports[name] = (await isFree(usual)) ? usual : await freePort(Object.values(ports));
    }
    this.write('ports.json', JSON.stringify(ports));
    return portsSchema.parse(ports);
  }

  /** @throws Error naming a port that another process listens at */
  async checkPorts(): Promise<void> {
    for (const [name, port] of Object.entries(this.ports())) {
      if (!(await isFree(port)))
        throw new Error(`port ${port} is taken, and ${name} is set up to listen there`);
    }
  }

  /** Everything but the packages that were unpacked here. */
  clear(): void {
    if (!existsSync(this.folder)) return;
    for (const name of readdirSync(this.folder)) {
      if (name !== 'debs') rmSync(this.at(name), { recursive: true, force: true });
    }
  }
}

/** The one that the environment names, else one that is the same for everybody on this machine. */
export function chosenHome(): Home {
  return new Home(process.env['FLEETWRIGHT_OPENSTACK_HOME'] ?? join(tmpdir(), 'fleetwright-openstack'));
}

async function isFree(port: number): Promise<boolean> {
  return (await portOf(port)) !== undefined;
}

/** Returns a port that no process listens at and that is not one of `except`. */
async function freePort(except: readonly number[]): Promise<number> {
  for (;;) {
    const port = await portOf(0);
    if (port !== undefined && !except.includes(port)) return port;
  }
}

/** @returns the port that could be listened at; undefined when it is taken */
async function portOf(port: number): Promise<number | undefined> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  server.once('error', () => resolve(undefined));
  server.listen(port, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
  });
  return await promise;
}
