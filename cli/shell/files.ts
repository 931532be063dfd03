import type * as z from 'zod';
import type { World } from './context.ts';
import { type CliError, usageError } from './exit.ts';
import { type Located, readYaml } from './yaml-file.ts';

/** Reads a file's text; `-` is standard input. @throws CliError (wrong use) if the file cannot be read */
export async function readText(world: World, file: string): Promise<string> {
  if (file === '-') return await world.readStdin();
  try {
    return await world.readFile(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Returns the error for a file that could not be read. */
export function unreadable(file: string, error: unknown): CliError {
  const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const said = why === 'ENOENT' ? 'the file does not exist' : why;
  return usageError(
    `cannot read ${file}: ${said}`,
    'Give the path of a file that you may read, or - for standard input.',
  );
}

export async function readYamlFile<S extends z.ZodType>(
  world: World,
  file: string,
  schema: S,
): Promise<Located<z.infer<S>>> {
  return readYaml(file === '-' ? 'stdin' : file, await readText(world, file), schema);
}
