import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';

export const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** One folder with everything that the local stack writes: `FLEETWRIGHT_HOME`, else `.fleetwright` in the repository. */
export class StateFolder {
  readonly path: string;

  constructor(path = process.env['FLEETWRIGHT_HOME'] ?? join(REPOSITORY, '.fleetwright')) {
    this.path = resolve(path);
  }

  /** A path in the folder, whose own folder is made. Only the user may look in: one file holds an API key. */
  file(...parts: string[]): string {
    const path = join(this.path, ...parts);
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    mkdirSync(dirname(path), { recursive: true });
    return path;
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
