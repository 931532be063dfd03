import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';

/** The services' ports. `Home` keeps the ports in a file between commands. */
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

/**
 * The ports to use if they are free. OpenStack's services use their usual ports. The database, the message bus
 * and memcached use other ports, because programs that are installed on the machine may use the usual ports.
 */
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

/**
 * The password of all accounts. It is not secret: the cloud listens on 127.0.0.1 and has no real machines.
 */
export const PASSWORD = 'openstack-of-the-tests';
export const REGION = 'RegionOne';

/** The folder with all files of the cloud: packages, databases, configurations, logs and process ids. */
export class Home {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  at(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  /** Returns the path of an unpacked file. `path` is relative to `/usr`. */
  unpacked(path: string): string {
    return this.at('debs', 'unpacked', 'usr', path);
  }

  make(...folders: readonly string[]): void {
    for (const folder of folders) mkdirSync(this.at(folder), { recursive: true });
  }

  write(name: string, text: string): void {
    writeFileSync(this.at(name), text, { mode: 0o600 });
  }

  /** Reads the chosen ports. @throws Error if the cloud was never set up in this folder */
  ports(): Ports {
    return portsSchema.parse(JSON.parse(readFileSync(this.at('ports.json'), 'utf8')));
  }

  /**
   * Chooses the ports and stores them. Later commands must use the same ports, because Keystone's catalogue
   * contains these ports.
   */
  async choosePorts(): Promise<Ports> {
    const ports: Record<string, number> = {};
    for (const [name, usual] of Object.entries(USUAL_PORTS)) {
      ports[name] = (await isFree(usual)) ? usual : await freePort(Object.values(ports));
    }
    this.write('ports.json', JSON.stringify(ports));
    return portsSchema.parse(ports);
  }

  /** Checks that all ports are free. @throws Error with the first port that another process uses */
  async checkPorts(): Promise<void> {
    for (const [name, port] of Object.entries(this.ports())) {
      if (!(await isFree(port)))
        throw new Error(`port ${port} of ${name} is in use: stop the process that listens there`);
    }
  }

  /** Removes everything except the unpacked packages. */
  clear(): void {
    if (!existsSync(this.folder)) return;
    for (const name of readdirSync(this.folder)) {
      if (name !== 'debs') rmSync(this.at(name), { recursive: true, force: true });
    }
  }
}

/**
 * Returns the folder of FLEETWRIGHT_OPENSTACK_HOME. If the variable is not set, returns a folder that all
 * users of this machine share.
 */
export function chosenHome(): Home {
  return new Home(process.env['FLEETWRIGHT_OPENSTACK_HOME'] ?? join(tmpdir(), 'fleetwright-openstack'));
}

async function isFree(port: number): Promise<boolean> {
  return (await portOf(port)) !== undefined;
}

/** Returns a port on which no process listens and that is not in `except`. */
async function freePort(except: readonly number[]): Promise<number> {
  for (;;) {
    const port = await portOf(0);
    if (port !== undefined && !except.includes(port)) return port;
  }
}

/** Returns `port` if it is free, or undefined if it is in use. For 0, returns any free port. */
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
