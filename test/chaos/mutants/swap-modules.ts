import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Mutant, MutationError, mutate } from './mutants.ts';

const ROOT = new URL('../../../', import.meta.url);

/**
 * Loads the mutant's files changed, in this thread and from now on. The files themselves stay as they are.
 *
 * @returns what to call when all is loaded: it fails when a file was never asked for
 */
export function swapModules({ edits }: Mutant): () => void {
  const byUrl = Map.groupBy(edits, ({ file }) => new URL(file, ROOT).href);
  const loaded = new Set<string>();
  registerHooks({
    load(url, context, nextLoad) {
      const ofFile = byUrl.get(url);
      if (!ofFile) return nextLoad(url, context);
      loaded.add(url);
      const source = ofFile.reduce(mutate, readFileSync(fileURLToPath(url), 'utf8'));
      return { format: 'module-typescript', source, shortCircuit: true };
    },
  });
  return () => {
    for (const url of byUrl.keys()) if (!loaded.has(url)) throw new MutationError(`${url} was never loaded`);
  };
}
