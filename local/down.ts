import { rmSync } from 'node:fs';
import { isEngine, stopEngine } from './engine/engine.ts';
import { homeFolder, readContext, readState, writeState } from './home.ts';
import { answers, isAlive, stop } from './processes.ts';

/**
 * Ends what `up` started, and nothing else. The engine forgets the deployed stack with it.
 *
 * @returns what was ended
 */
export async function down({ home = homeFolder(), purge = false } = {}): Promise<{ ended: string[] }> {
  const state = readState(home);
  const ended: string[] = [];
  if (state.sim && isAlive(state.sim)) {
    await stop(state.sim);
    ended.push('sim');
  }
  if (state.engine) {
    if (await isEngine(state.engine.url)) ended.push('engine');
    await stopEngine(state.engine);
  }
  const { sim, engineUrl } = state;
  // Without its engine nothing is deployed; the simulated clouds' address is kept, as they keep their state.
  writeState(
    home,
    state.engine ? { ...(sim ? { sim } : {}) } : { ...state, ...(engineUrl ? { engineUrl } : {}) },
  );
  if (purge) rmSync(home, { recursive: true, force: true });
  return { ended };
}

export interface LocalStatus {
  home: string;
  engine: { url: string; running: boolean } | null;
  sim: { url: string; running: boolean } | null;
  api: { url: string; running: boolean } | null;
}

/** What of the local stack runs. */
export async function status({ home = homeFolder() } = {}): Promise<LocalStatus> {
  const state = readState(home);
  const context = readContext(home);
  const api = async (url: string) => {
    try {
      return (await fetch(`${url}/v1/namespaces`, { signal: AbortSignal.timeout(3_000) })).status === 401;
    } catch {
      return false;
    }
  };
  return {
    home,
    engine: state.engineUrl ? { url: state.engineUrl, running: await isEngine(state.engineUrl) } : null,
    sim: state.sim ? { url: state.sim.url, running: await answers(`${state.sim.url}/_sim/health`) } : null,
    api: context ? { url: context.apiUrl, running: await api(context.apiUrl) } : null,
  };
}

/** The log file of a part of the stack. */
export function logFile(part: 'engine' | 'sim' | 'cdk', { home = homeFolder() } = {}): string {
  return `${home}/${part}.log`;
}
