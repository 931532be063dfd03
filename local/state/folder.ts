import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as z from 'zod';

export const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const TEMPORARY = 'tmp';

/**
 * Manages the folder with everything that the local stack writes: `FLEETWRIGHT_HOME`, else `.fleetwright` in the
 * repository.
 */
export class StateFolder {
  readonly path: string;

  constructor(path = process.env['FLEETWRIGHT_HOME'] ?? join(REPOSITORY, '.fleetwright')) {
    this.path = resolve(path);
  }

  /**
   * Returns a path in the folder. Creates the path's parent folder. Only the user may read the parent folder,
   * because files contain keys.
   */
  file(...parts: string[]): string {
    const path = join(this.path, ...parts);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // The folder may have existed before, with access for other users.
    if ((statSync(this.path).mode & 0o077) !== 0) chmodSync(this.path, 0o700);
    return path;
  }

  /** Returns the folder for temporary files of all processes of the local stack. `local down` removes it. */
  temporary(): string {
    const path = join(this.path, TEMPORARY);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // The engine starts functions with a CommonJS program in this folder. Without this file, Node.js would
    // use this repository's package.json and treat the program as an ES module.
    writeFileSync(join(path, 'package.json'), '{"type":"commonjs"}\n', { mode: 0o600 });
    return path;
  }

  removeTemporary(): void {
    rmSync(join(this.path, TEMPORARY), { force: true, recursive: true });
  }

  log(name: string): string {
    return this.file('logs', `${name}.log`);
  }

  /** Reads a file. @returns undefined when the file does not exist, or does not match the schema */
  read<S extends z.ZodType>(name: string, schema: S): z.output<S> | undefined {
    try {
      return schema.safeParse(JSON.parse(readFileSync(join(this.path, name), 'utf8'))).data;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Writes a file that only the user can read. Readers see the old content or all of the new content. */
  write(name: string, content: unknown): void {
    const path = this.file(name);
    writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/**
 * Removes other users' access to everything below a path. Needed after a program that sets file modes itself,
 * for example pip.
 */
export function keepPrivate(path: string): void {
  const paths = readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name));
  for (const one of [path, ...paths]) {
    const status = lstatSync(one);
    if (!status.isSymbolicLink()) chmodSync(one, status.mode & 0o700);
  }
}
