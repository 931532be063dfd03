import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** The folder of every function's entry point, below the repository's root. */
export const HANDLERS = 'functions/entrypoints/handlers';
const ENTRY_SUFFIX = '.handler.ts';

/**
 * The deployable code of every function: one directory for each entry point `<name>.handler.ts` below `HANDLERS`, those in
 * folders that begin with `_` left out (a template is to be copied, not deployed). Made in a single pass of esbuild, as
 * one pass takes a second where one for each function takes ten.
 *
 * The SDK is bundled: it is pinned by the lockfile then, starts faster than the runtime's, and the local engine
 * has none. Names are kept and nothing is minified, since Step Functions matches errors by name and people
 * read stack traces; source maps are left out, as those of the SDK would be larger than the code.
 */
export interface Bundles {
  /** Entry points as paths below `HANDLERS`, without the suffix: `api/fleets`. */
  readonly entries: readonly string[];
  /** @throws Error when there is no such entry point */
  directoryOf(entry: string): string;
}

/** Bundles, and what is in them. */
export interface MeasuredBundles extends Bundles {
  /**
   * Which source files are in it, by their paths below the repository's root, and how many bytes each has there.
   *
   * @throws Error when there is no such entry point
   */
  bytesOf(entry: string): ReadonlyMap<string, number>;
  /** What files of ours import, ours and packages' files, all by their paths below the repository's root. */
  readonly importsOf: ReadonlyMap<string, readonly string[]>;
}

/** The package that a file belongs to: `zod`, `@aws-sdk/client-ec2`; undefined for one of ours. */
export function packageOf(path: string): string | undefined {
  return /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

export function bundleFunctions(): MeasuredBundles {
  const handlers = join(root, HANDLERS);
  const sources = globSync(`**/*${ENTRY_SUFFIX}`, { cwd: handlers, exclude: ['**/_*/**'] }).sort();
  const entryOf = (source: string) => source.slice(0, -ENTRY_SUFFIX.length).replaceAll('\\', '/');
  // Only names the output files, which are written below.
  const outdir = join(root, 'build');
  const result = buildSync({
    absWorkingDir: root,
    entryPoints: sources.map((source) => ({ in: join(handlers, source), out: `${entryOf(source)}/index` })),
    outdir,
    write: false,
    metafile: true,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    mainFields: ['module', 'main'],
    keepNames: true,
    legalComments: 'none',
    logLevel: 'warning',
    // Some dependencies are CommonJS and require built-in modules, which an ES module has no `require` for.
    banner: {
      js: "import { createRequire as createRequireOf } from 'node:module'; const require = createRequireOf(import.meta.url);",
    },
  });

  const directory = mkdtempSync(join(tmpdir(), 'fleetwright-functions-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const file of result.outputFiles) {
    const target = join(directory, relative(outdir, file.path));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, file.contents);
  }

  const entries = sources.map(entryOf);
  const { inputs, outputs } = result.metafile;
  const outputOf = (entry: string) => {
    const output = outputs[`build/${entry}/index.mjs`];
    if (!output) throw new Error(`${HANDLERS}/${entry}${ENTRY_SUFFIX} does not exist`);
    return output;
  };
  return {
    entries,
    directoryOf(entry) {
      outputOf(entry);
      return join(directory, entry);
    },
    bytesOf: (entry) =>
      new Map(
        Object.entries(outputOf(entry).inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput]),
      ),
    importsOf: new Map(
      Object.entries(inputs)
        .filter(([path]) => packageOf(path) === undefined)
        .map(([path, { imports }]) => [path, imports.map((one) => one.path)]),
    ),
  };
}
