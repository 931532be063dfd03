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
import type { z } from 'zod';

export const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const TEMPORARY = 'tmp';

/** One folder with everything that the local stack writes: `FLEETWRIGHT_HOME`, else `.fleetwright` in the repository. */
export class StateFolder {
  readonly path: string;

  constructor(path = process.env['FLEETWRIGHT_HOME'] ?? join(REPOSITORY, '.fleetwright')) {
    this.path = resolve(path);
  }

  /** A path in the folder, whose own folder is made. Only the user may look in: files hold keys. */
  file(...parts: string[]): string {
    const path = join(this.path, ...parts);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // It may have been there before, open to others.
    if ((statSync(this.path).mode & 0o077) !== 0) chmodSync(this.path, 0o700);
    return path;
  }

  /** Where every process of the local stack puts its temporary files. `local down` removes it. */
  temporary(): string {
    const path = join(this.path, TEMPORARY);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // The engine runs functions from here by a CommonJS program, which the package.json of this repository would have
    // Node.js take for a module.
    writeFileSync(join(path, 'package.json'), '{"type":"commonjs"}\n', { mode: 0o600 });
    return path;
  }

  removeTemporary(): void {
    rmSync(join(this.path, TEMPORARY), { force: true, recursive: true });
  }

  log(name: string): string {
    return this.file('logs', `${name}.log`);
  }

  /** @returns undefined where there is no such file, or one that an older version wrote */
  read<S extends z.ZodType>(name: string, schema: S): z.output<S> | undefined {
    try {
      return schema.safeParse(JSON.parse(readFileSync(join(this.path, name), 'utf8'))).data;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Readable by the user alone, and never half-written. */
  write(name: string, content: unknown): void {
    const path = this.file(name);
    writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/** Takes all that is below a path away from other users; for what was made by a program that sets modes itself. */
export function keepPrivate(path: string): void {
  const paths = readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name));
  for (const one of [path, ...paths]) {
    const status = lstatSync(one);
    if (!status.isSymbolicLink()) chmodSync(one, status.mode & 0o700);
  }
}
