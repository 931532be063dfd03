import { runCli } from '../../../cli/program.ts';
import type { World } from '../../../cli/shell/context.ts';
import { createClient } from '../../../client/index.ts';

export interface Asked {
  method: string;
  /** Path and query of the request's URL. */
  path: string;
  headers: Headers;
  body: unknown;
}

type Answer = { status?: number; body?: unknown } | Error;
/**
 * The API's answers, by `METHOD /path` without the query. An answer is constant or a function of the request.
 */
export type Answers = Record<string, Answer | ((asked: Asked) => Answer)>;

interface Setting {
  env?: Record<string, string>;
  files?: Record<string, string>;
  /** Contents of files that are no text, and errors of files that cannot be read. */
  bytes?: Record<string, Uint8Array | Error>;
  stdin?: string;
  answers?: Answers;
  terminal?: boolean;
  /** Replaces members of `World`, for example the clock or the local stack. */
  world?: Partial<World>;
  /** Called at each sleep with the number of earlier sleeps. A call of `interrupt` acts as Ctrl-C. */
  onSleep?: (count: number, interrupt: () => void) => void;
}

export const START_MS = Date.parse('2026-01-01T00:00:00Z');
const API = 'https://api.test';

/** Runs one command line in virtual time, with the files, variables and API answers of `setting`. */
export async function cli(args: readonly string[], setting: Setting = {}) {
  const asked: Asked[] = [];
  const out: string[] = [];
  const err: string[] = [];
  const listeners = new Set<() => void>();
  let nowMs = START_MS;
  let sleeps = 0;
  const world: World = {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text), isTTY: setting.terminal === true, columns: 100 },
    env: { FLEETWRIGHT_API_URL: API, FLEETWRIGHT_API_KEY: 'fw_key', ...setting.env },
    now: () => nowMs,
    async sleep(ms) {
      nowMs += ms;
      setting.onSleep?.(sleeps++, () => {
        for (const listener of listeners) listener();
      });
    },
    async readFile(path) {
      const text = setting.files?.[path];
      if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
      return text;
    },
    async readBytes(path) {
      const bytes = setting.bytes?.[path];
      if (bytes instanceof Error) throw bytes;
      return bytes ?? Buffer.from(await this.readFile(path));
    },
    readStdin: async () => Buffer.from(setting.stdin ?? ''),
    onInterrupt(callback) {
      listeners.add(callback);
      return () => {
        listeners.delete(callback);
      };
    },
    connect: (session) =>
      createClient({
        ...session,
        transport: {
          fetch: fetchOf(setting.answers ?? {}, asked),
          pause: async () => undefined,
          random: () => 0,
        },
      }),
    issueKeyDirectly: () => Promise.reject(new Error('no AWS here')),
    local: {
      up: () => Promise.reject(new Error('no local stack here')),
      down: () => Promise.reject(new Error('no local stack here')),
      status: () => Promise.reject(new Error('no local stack here')),
      logs: () => Promise.reject(new Error('no local stack here')),
    },
    ask: async () => undefined,
    writeNewFile: () => Promise.reject(new Error('no disk here')),
    openTables: () => Promise.reject(new Error('no tables here')),
    openAccount: () => Promise.reject(new Error('no AWS here')),
    stageNeeds: () => Promise.reject(new Error('no stages here')),
    apiUrlOf: async (output) => output,
    fetch: () => Promise.reject(new TypeError('fetch failed')),
    ...setting.world,
  };
  const exitCode = await runCli(args, world);
  return { exitCode, stdout: out.join(''), stderr: err.join(''), asked, listening: listeners.size };
}

function fetchOf(answers: Answers, asked: Asked[]): typeof fetch {
  return async (input, init) => {
    const url = new URL(String(input));
    const request: Asked = {
      method: init?.method ?? 'GET',
      path: `${url.pathname}${url.search}`,
      headers: new Headers(init?.headers),
      body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
    };
    asked.push(request);
    const found = answers[`${request.method} ${url.pathname}`];
    const answer = typeof found === 'function' ? found(request) : found;
    if (answer instanceof Error) throw answer;
    if (!answer) throw new TypeError('fetch failed', { cause: new Error(`nothing answers ${request.path}`) });
    const { status = 200, body } = answer;
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  };
}

/** Returns the API's answer for a fleet of 4 instances in two clouds. */
export function fleet(
  status: string,
  counts: { Running?: number; Failed?: number; Terminated?: number } = {},
) {
  const { Running = 0, Failed = 0, Terminated = 0 } = counts;
  const left = 4 - Running - Failed - Terminated;
  const aws = { requested: 3, Running: Math.min(3, Running), Terminated: Math.min(3, Terminated) };
  const gcp = {
    requested: 1,
    Running: Math.max(0, Running - 3),
    Failed,
    Terminated: Math.max(0, Terminated - 3),
  };
  return {
    id: 'f0123456789abcdef',
    name: 'web-global',
    namespace: 'default',
    labels: {},
    status,
    failurePolicy: 'continue',
    counts: { requested: 4, Running, Failed, Terminated, Creating: left },
    byLocation: [
      { cloud: 'aws', connection: 'sim-aws', location: 'us-east-1', counts: aws },
      { cloud: 'gcp', connection: 'sim-gcp', location: 'us-east1', counts: gcp },
    ],
    progress: (Running + Failed) / 4,
    createdAt: '2026-01-01T00:00:00.000Z',
    usdPerHour: 0.4,
    costUsd: 0.01,
    failures: Failed > 0 ? [{ code: 'QuotaExceeded', count: Failed, example: 'no more\u001b[31m here' }] : [],
    allowedActions: status === 'Preparing' || status === 'Creating' ? ['hold', 'abort'] : [],
  };
}

export const FLEET_YAML = `name: web-global
nodeGroups:
  - name: aws-us
    size: 3
    connection: sim-aws
    locations: [us-east-1]
    instanceType: m6i.large
    image: ubuntu-24.04
  - name: gcp-us
    size: 1
    connection: sim-gcp
    locations: [us-east1]
    instanceType: e2-small
    image: ubuntu-24.04
`;
export const FLEETS = '/v1/namespaces/default/fleets';
