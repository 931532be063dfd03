import { existsSync, readFileSync, rmSync } from 'node:fs';
import * as z from 'zod';
import { configure } from './configure.ts';
import { fillStores, makeFolders, makeStores } from './install.ts';
import { unpackPackages } from './packages.ts';
import { seedCatalogue, seedCloud, waitForHost } from './seed.ts';
import { running, startIdentity, startServices, startStores, stopAll } from './services.ts';
import { type Home, REGION } from './state.ts';

const seededSchema = z.object({
  applicationCredentialId: z.string(),
  applicationCredentialSecret: z.string(),
});

/** Unpacks missing packages and starts the services, unless the cloud runs already. */
export async function up(home: Home): Promise<void> {
  if (isUp(home)) return;
  await stopAll(home);
  if (existsSync(home.at('seeded.json'))) await restart(home);
  else await make(home);
}

async function make(home: Home): Promise<void> {
  // An earlier attempt may have failed and left files.
  home.clear();
  home.make('.');
  await step('packages', () => unpackPackages(home));
  makeFolders(home);
  const ports = await home.choosePorts();
  await step('stores', () => makeStores(home, ports));
  await step('tables', () => fillStores(home, ports));
  await step('identity', () => startIdentity(home, ports));
  await seedCatalogue(ports);
  await step('services', () => startServices(home, ports));
  const seeded = await step('project, flavors, images, networks', () => seedCloud(home, ports));
  home.write('seeded.json', JSON.stringify(seeded));
}

async function restart(home: Home): Promise<void> {
  await home.checkPorts();
  const ports = home.ports();
  makeFolders(home);
  configure(home, ports);
  await step('stores', () => startStores(home, ports));
  await step('identity', () => startIdentity(home, ports));
  await step('services', () => startServices(home, ports));
  await step('host', () => waitForHost(ports));
}

export async function down(home: Home, { purge }: { purge: boolean }): Promise<void> {
  if (running(home).length > 0) await step('stop', () => stopAll(home));
  if (purge) rmSync(home.folder, { recursive: true, force: true });
}

export function isUp(home: Home): boolean {
  return existsSync(home.at('seeded.json')) && running(home).some(({ name }) => name === 'nova-api');
}

/** Returns the variables for OpenStack's own tools. @throws Error if the cloud was never set up */
export function environmentOf(home: Home): Record<string, string> {
  const seeded = seededSchema.parse(JSON.parse(readFileSync(home.at('seeded.json'), 'utf8')));
  return {
    OS_AUTH_TYPE: 'v3applicationcredential',
    OS_AUTH_URL: `http://127.0.0.1:${home.ports().keystone}/v3`,
    OS_APPLICATION_CREDENTIAL_ID: seeded.applicationCredentialId,
    OS_APPLICATION_CREDENTIAL_SECRET: seeded.applicationCredentialSecret,
    OS_REGION_NAME: REGION,
  };
}

/** Runs one step, and prints its name and duration on standard error. */
async function step<Answer>(what: string, work: () => Answer | Promise<Answer>): Promise<Answer> {
  const startedMs = performance.now();
  try {
    return await work();
  } finally {
    process.stderr.write(`${what}: ${((performance.now() - startedMs) / 1_000).toFixed(1)} s\n`);
  }
}
