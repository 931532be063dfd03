import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Mutant, MutationError, mutate } from './mutants.ts';

const ROOT = new URL('../../../', import.meta.url);

/**
 * Applies the mutant's edits to the modules that this thread loads from now on. The files on disk stay
 * unchanged.
 *
 * @returns a check to call after loading, which throws a MutationError if a file of the mutant was not loaded
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
    for (const url of byUrl.keys())
      if (!loaded.has(url)) throw new MutationError(`${url} was not loaded, so the mutant has no effect`);
  };
}
