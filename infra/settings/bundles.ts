import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** The folder of all functions' entry points, relative to the repository's root. */
export const HANDLERS = 'functions/entrypoints/handlers';
const ENTRY_SUFFIX = '.handler.ts';

/**
 * The deployable code of every function: one directory for each entry point `<name>.handler.ts` below
 * `HANDLERS`. Folders whose names begin with `_` are left out, because they are templates to copy. One run of
 * esbuild makes all bundles in about a second. One run for each function would take ten seconds.
 *
 * Bundles contain the AWS SDK for three reasons: the lockfile fixes the version of the SDK, functions start
 * faster than with the SDK of the Lambda runtime, and the local engine has no such SDK. Code is minified, because
 * a function's start is mostly the time to parse its code. Names of functions and classes are kept, because Step
 * Functions matches errors by name and people read stack traces. Source maps are left out, because the SDK's
 * source maps would be larger than the code.
 */
export interface Bundles {
  /** Entry points as paths relative to `HANDLERS`, without the suffix: `api/fleets`. */
  readonly entries: readonly string[];
  /** Returns the directory of a bundle. @throws Error when there is no such entry point */
  directoryOf(entry: string): string;
}

/** Bundles with their contents. */
export interface MeasuredBundles extends Bundles {
  /**
   * Returns the source files of a bundle, as paths relative to the repository's root, with the number of
   * bytes that each file adds to the bundle.
   *
   * @throws Error when there is no such entry point
   */
  bytesOf(entry: string): ReadonlyMap<string, number>;
  /**
   * The files that each bundled file of this repository imports, including files of packages. All paths are
   * relative to the repository's root.
   */
  readonly importsOf: ReadonlyMap<string, readonly string[]>;
}

/**
 * Returns the package of a file, such as `zod` or `@aws-sdk/client-ec2`. Undefined for a file of this
 * repository.
 */
export function packageOf(path: string): string | undefined {
  return /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

export function bundleFunctions(): MeasuredBundles {
  const handlers = join(root, HANDLERS);
  const sources = globSync(`**/*${ENTRY_SUFFIX}`, { cwd: handlers, exclude: ['**/_*/**'] }).sort();
  const entryOf = (source: string) => source.slice(0, -ENTRY_SUFFIX.length).replaceAll('\\', '/');
  // esbuild needs this folder for the names of output files. The code below writes the files to another
  // folder.
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
    minify: true,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'warning',
    // Some dependencies are CommonJS and call `require` for built-in modules. An ES module has no `require`,
    // so the banner defines it.
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
