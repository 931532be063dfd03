import { isHealthy, isRunning } from './engine/engine.ts';
import { cloudsHealth } from './simulated-clouds.ts';
import { StateFolder } from './state/folder.ts';
import { cloudsRecordSchema, engineRecordSchema, localStackSchema, RECORDS } from './state/records.ts';

export interface PartStatus {
  running: boolean;
  url?: string;
  pid?: number;
}

export interface StackStatus {
  state: 'running' | 'partly-running' | 'stopped';
  engine: PartStatus;
  clouds: PartStatus & { seed?: number };
  /** `running`: the API accepts the stored key. */
  api: PartStatus;
  home: string;
}

/** Returns which parts of the local stack run. Asks each part. */
export async function status({ home }: { home?: string } = {}): Promise<StackStatus> {
  const folder = new StateFolder(home);
  const [engine, clouds, api] = await Promise.all([
    engineStatus(folder),
    cloudsStatus(folder),
    apiStatus(folder),
  ]);
  const running = [engine, clouds, api].filter((part) => part.running).length;
  const state = running === 3 ? 'running' : running === 0 ? 'stopped' : 'partly-running';
  return { state, engine, clouds, api, home: folder.path };
}

async function engineStatus(folder: StateFolder): Promise<PartStatus> {
  const record = folder.read(RECORDS.engine, engineRecordSchema);
  if (!record) return { running: false };
  const running = (await isRunning(record)) && (await isHealthy(record.url));
  return { running, url: record.url, ...(record.kind === 'process' ? { pid: record.process.pid } : {}) };
}

async function cloudsStatus(folder: StateFolder): Promise<StackStatus['clouds']> {
  const record = folder.read(RECORDS.clouds, cloudsRecordSchema);
  if (!record) return { running: false };
  const health = await cloudsHealth(record);
  const { url, process } = record;
  return { running: health !== undefined, url, pid: process.pid, ...(health ? { seed: health.seed } : {}) };
}

async function apiStatus(folder: StateFolder): Promise<PartStatus> {
  const stack = folder.read(RECORDS.context, localStackSchema);
  if (!stack) return { running: false };
  try {
    const headers = { authorization: `Bearer ${stack.apiKey}` };
    const answer = await fetch(`${stack.apiUrl}/v1/namespaces`, {
      headers,
      signal: AbortSignal.timeout(10_000),
    });
    return { running: answer.ok, url: stack.apiUrl };
  } catch {
    // No answer means that the part does not run.
    return { running: false, url: stack.apiUrl };
  }
}
