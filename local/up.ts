import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { deploy, engineEnv, sourcesHash } from './deploy.ts';
import { ensureEngine } from './engine/engine.ts';
import { LocalFailure } from './failure.ts';
import { ensureApiKey, furnish, NAMESPACE } from './furnish.ts';
import {
  homeFolder,
  type LocalContext,
  type LocalState,
  PROJECT,
  readContext,
  readState,
  writeContext,
  writeState,
} from './home.ts';
import { answers, freePort, isAlive, startDetached, waitUntil } from './processes.ts';

export interface UpOptions {
  home?: string;
  env?: Record<string, string | undefined>;
  /** Of the simulated clouds, at their start. */
  seed?: number;
  /** A YAML file for the simulated clouds, at their start. */
  simConfig?: string;
  /** Told of each step as it begins. */
  report?: (line: string) => void;
}

/**
 * Brings the whole stack up on this machine, or what is missing of it: engine, simulated clouds, the CDK app, and
 * what a new user needs in it. A second call reuses what runs, and deploys only what changed.
 *
 * @throws LocalFailure when something that is needed cannot be started, with what to do
 */
export async function up(options: UpOptions = {}): Promise<LocalContext> {
  const { home = homeFolder(), env = process.env, report = () => undefined } = options;
  mkdirSync(home, { recursive: true });
  let state = readState(home);
  const keep = (part: Partial<LocalState>) => {
    state = { ...state, ...part };
    writeState(home, state);
  };

  const engine = await ensureEngine(home, state, env, report);
  keep({ engine: engine.started, engineUrl: engine.url });
  const sim = await ensureSim(home, state, options, report);
  keep({ sim });

  const hash = sourcesHash();
  let outputs = state.deployed?.outputs;
  const current = state.deployed?.engineUrl === engine.url && state.deployed.sourcesHash === hash;
  const apiStands = outputs !== undefined && (await apiAnswers(apiUrlOf(engine.url, outputs)));
  if (!current || !apiStands || outputs === undefined) {
    report('deploying the CDK app (stage local)');
    outputs = await deploy(home, engine.url, env);
    keep({ deployed: { sourcesHash: hash, engineUrl: engine.url, outputs } });
  }
  const apiUrl = apiUrlOf(engine.url, outputs);
  Object.assign(process.env, engineEnv(home, engine.url, env));
  const accessTable = outputs['AccessTable'];
  if (accessTable === undefined)
    throw new LocalFailure(
      'the stack names no table for API keys',
      'Run `fleetwright local down --purge`, then up.',
    );
  const apiKey = await ensureApiKey(accessTable, apiUrl, readContext(home)?.apiKey);
  const context = { apiUrl, apiKey, simUrl: sim.url, engineUrl: engine.url, namespace: NAMESPACE };
  report('registering the simulated clouds');
  await furnish(context);
  writeContext(home, context);
  return context;
}

/**
 * The engine answers by path for whoever cannot set a Host header; the API's own host name, below `localhost`, is not
 * resolved everywhere.
 */
function apiUrlOf(engineUrl: string, outputs: Record<string, string>): string {
  const [, apiId] = /^https?:\/\/([^.]+)\./.exec(outputs['ApiUrl'] ?? '') ?? [];
  if (apiId === undefined)
    throw new LocalFailure('the stack tells no API', 'Run `fleetwright local down --purge`, then up.');
  return `${engineUrl}/_aws/execute-api/${apiId}`;
}

/** Without a key the API answers 401, which is an answer all the same. */
async function apiAnswers(apiUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${apiUrl}/v1/namespaces`, { signal: AbortSignal.timeout(5_000) })).status === 401;
  } catch {
    return false;
  }
}

async function ensureSim(
  home: string,
  state: LocalState,
  { env = process.env, seed, simConfig }: UpOptions,
  report: (line: string) => void,
): Promise<NonNullable<LocalState['sim']>> {
  if (state.sim && isAlive(state.sim) && (await answers(`${state.sim.url}/_sim/health`))) return state.sim;
  // The same port as before, where it is free: connections name it.
  const before = state.sim ? Number(new URL(state.sim.url).port) : undefined;
  const port = await freePort(before ?? Number(env['FLEETWRIGHT_SIM_PORT'] ?? 4599));
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(home, 'sim.log');
  report(`starting the simulated clouds at ${url}`);
  const args = [
    join(PROJECT, 'local', 'sim', 'server.ts'),
    '--port',
    String(port),
    '--state',
    join(home, 'sim'),
    ...(seed === undefined ? [] : ['--seed', String(seed)]),
    ...(simConfig === undefined ? [] : ['--config', simConfig]),
  ];
  const started = startDetached(join(PROJECT, 'node_modules', '.bin', 'node'), args, { logFile, env });
  await waitUntil(() => answers(`${url}/_sim/health`), {
    what: 'the simulated clouds',
    seconds: 30,
    logFile,
    process: started,
  });
  return { ...started, url };
}
