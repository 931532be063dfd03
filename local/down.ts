import { rmSync } from 'node:fs';
import { stopEngine } from './engine/engine.ts';
import { type OnProgress, step } from './progress.ts';
import { StateFolder } from './state/folder.ts';
import { withLock } from './state/lock.ts';
import { stopProcess } from './state/processes.ts';
import { cloudsRecordSchema, engineRecordSchema, RECORDS } from './state/records.ts';

export interface DownOptions {
  home?: string;
  /** If true, also removes the installed engine, the logs and the rest of the state folder. */
  purge?: boolean;
  onProgress?: OnProgress;
}

export interface DownResult {
  /** The parts that ran and were stopped. */
  stopped: ('engine' | 'clouds')[];
  purged: boolean;
}

/**
 * Stops the parts that `up` started, and nothing else. The engine keeps everything in memory. Therefore the fleets
 * are lost, and the contents of the simulated clouds are removed, too. An engine from AWS_ENDPOINT_URL keeps running.
 */
export async function down({
  home,
  purge = false,
  onProgress = () => undefined,
}: DownOptions = {}): Promise<DownResult> {
  const folder = new StateFolder(home);
  const stopped = await withLock(folder, async () => {
    const done: DownResult['stopped'] = [];
    const said = (name: string) => (was: boolean) =>
      was ? `Stopped the ${name}` : `Did not stop the ${name}: it was not running`;
    const engine = folder.read(RECORDS.engine, engineRecordSchema);
    if (engine && (await step(onProgress, () => stopEngine(engine), said('engine')))) done.push('engine');
    const clouds = folder.read(RECORDS.clouds, cloudsRecordSchema);
    if (
      clouds &&
      (await step(onProgress, () => stopProcess(clouds.process), said('server of the simulated clouds')))
    ) {
      done.push('clouds');
    }
    folder.removeTemporary();
    // An engine from AWS_ENDPOINT_URL still has the records of the clouds' contents. Therefore these contents
    // are kept.
    const forgotten = engine?.kind === 'endpoint' ? [] : [...Object.values(RECORDS), 'clouds'];
    for (const name of forgotten) rmSync(folder.file(name), { force: true, recursive: true });
    return done;
  });
  if (purge) rmSync(folder.path, { recursive: true, force: true });
  return { stopped, purged: purge };
}
