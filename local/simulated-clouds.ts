import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { environmentIn } from './engine/environment.ts';
import { REPOSITORY, type StateFolder } from './state/folder.ts';
import { isAlive, startDetached, stopProcess, tailOf } from './state/processes.ts';
import { type CloudsRecord, cloudsRecordSchema, RECORDS } from './state/records.ts';
import { StartFailure } from './state/start-failure.ts';
import { choosePort, freePort } from './system/ports.ts';

const PORT = 4599;
const START_MS = 30_000;

const healthSchema = z.object({ ok: z.literal(true), seed: z.number() });
const liveSchema = z.object({
  clouds: z.array(z.object({ instances: z.array(z.object({ status: z.string() })) })),
});

export interface CloudsOptions {
  seed?: number;
  config?: string;
  /** True if the engine is empty. The clouds are then emptied, because no record claims their instances. */
  forget: boolean;
  /** The host name by which functions reach the clouds. Absent: the name of this machine's loopback. */
  hostSeenAs?: string;
}

/**
 * Finds the simulated clouds' server, or starts it. The clouds' contents survive a restart if the engine
 * still has the records of these contents.
 *
 * @throws StartFailure
 */
export async function findOrStartClouds(
  folder: StateFolder,
  { seed, config, forget, hostSeenAs }: CloudsOptions,
): Promise<CloudsRecord & { seed: number }> {
  const known = folder.read(RECORDS.clouds, cloudsRecordSchema);
  const file = config === undefined ? undefined : resolve(config);
  const health = known && isAlive(known.process) ? await cloudsHealth(known) : undefined;
  if (known && health && !forget && (file === undefined || file === known.config)) {
    return { ...known, seed: await reseed(known, health.seed, seed) };
  }
  if (known && health && !forget) await refuseWhileUsed(known, 'config file');
  if (known) await stopProcess(known.process);
  const state = folder.file('clouds', 'clouds.jsonl');
  if (forget) rmSync(state, { force: true });
  const record = await start(folder, {
    known,
    seed,
    config: file ?? (forget ? undefined : known?.config),
    hostSeenAs,
  });
  folder.write(RECORDS.clouds, record);
  const { seed: inForce } = await waitUntilHealthy(folder, record);
  return { ...record, seed: await reseed(record, inForce, seed) };
}

type Clouds = Pick<CloudsRecord, 'url' | 'simKey'>;

export async function cloudsHealth(clouds: Clouds): Promise<z.infer<typeof healthSchema> | undefined> {
  try {
    const answer = await control(clouds, 'health', { signal: AbortSignal.timeout(5_000) });
    return healthSchema.parse(await answer.json());
  } catch {
    // No server answers, or the answer is from another program.
    return undefined;
  }
}

async function control({ url, simKey }: Clouds, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${simKey}`, 'content-type': 'application/json' };
  return await fetch(`${url}/_sim/${path}`, { ...init, headers });
}

/**
 * Changes the seed. All clouds share one seed, and a new seed empties all clouds. Therefore the seed cannot be
 * changed while instances exist.
 */
async function reseed(clouds: Clouds, inForce: number, wanted: number | undefined): Promise<number> {
  if (wanted === undefined || wanted === inForce) return inForce;
  await refuseWhileUsed(clouds, 'seed');
  const body = JSON.stringify({ seed: wanted });
  const answer = await control(clouds, 'reset', { method: 'POST', body });
  if (!answer.ok)
    throw new StartFailure(
      `the simulated clouds refuse seed ${wanted}: ${await answer.text()}`,
      'Give a whole number with --seed.',
    );
  return wanted;
}

async function refuseWhileUsed(of: Clouds, what: string): Promise<void> {
  const { clouds } = liveSchema.parse(await (await control(of, 'books')).json());
  const live = clouds.flatMap(({ instances }) => instances).filter(({ status }) => status !== 'Terminated');
  if (live.length === 0) return;
  throw new StartFailure(
    `the simulated clouds run with another ${what}, and have ${live.length} instances`,
    'Delete the fleets first, or remove everything with `fleetwright local down --purge`.',
  );
}

interface StartOptions {
  known: CloudsRecord | undefined;
  seed: number | undefined;
  config: string | undefined;
  hostSeenAs: string | undefined;
}

async function start(
  folder: StateFolder,
  { known, seed, config, hostSeenAs }: StartOptions,
): Promise<CloudsRecord> {
  // Connections contain the clouds' URL. Therefore the port of the earlier server is used again if possible.
  const before =
    known && process.env['FLEETWRIGHT_SIM_PORT'] === undefined ? Number(new URL(known.url).port) : 0;
  const port = before > 0 ? await freePort(before) : await choosePort('FLEETWRIGHT_SIM_PORT', PORT);
  const state = join(folder.path, 'clouds');
  const args = ['--port', String(port), '--state', state];
  if (seed !== undefined) args.push('--seed', String(seed));
  if (config !== undefined) args.push('--config', config);
  if (hostSeenAs !== undefined) args.push('--allow-host', hostSeenAs);
  // The key of the earlier server is used again, because the connections' keys are derived from it.
  const simKey = known?.simKey ?? randomBytes(32).toString('base64url');
  const { process: own } = startDetached({
    command: process.execPath,
    args: [join(REPOSITORY, 'local', 'sim', 'server.ts'), ...args],
    // Every user of this machine can read a command line; the key is therefore passed in the environment.
    env: { ...environmentIn(folder), FLEETWRIGHT_SIM_KEY: simKey },
    log: folder.log('clouds'),
    cwd: REPOSITORY,
  });
  const url = `http://127.0.0.1:${port}`;
  return { url, simKey, process: own, ...(config === undefined ? {} : { config }) };
}

async function waitUntilHealthy(folder: StateFolder, record: CloudsRecord) {
  for (const deadline = Date.now() + START_MS; ; await sleep(100)) {
    const health = await cloudsHealth(record);
    if (health) return health;
    if (isAlive(record.process) && Date.now() < deadline) continue;
    await stopProcess(record.process);
    const said = tailOf(folder.log('clouds'), 8).map((line) => `  ${line}`);
    throw new StartFailure(
      ['the simulated clouds did not start', ...said].join('\n'),
      `Read their log in ${folder.log('clouds')}.`,
    );
  }
}
