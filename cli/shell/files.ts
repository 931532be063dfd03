import type * as z from 'zod';
import type { World } from './context.ts';
import { type CliError, usageError } from './exit.ts';
import { MOST_BYTES, textFrom } from './text-bytes.ts';
import { type Located, readYaml } from './yaml-file.ts';

/**
 * Reads a file's text; `-` is standard input.
 *
 * @param name of the file in messages
 * @throws CliError (wrong use) if the file cannot be read, or is no text
 */
export async function readText(world: World, file: string, name = nameOf(file)): Promise<string> {
  return textFrom(name, await readInput(world, file, name));
}

/** Returns the name of a file in messages. */
export const nameOf = (file: string): string => (file === '-' ? 'stdin' : file);

async function readInput(world: World, file: string, name: string): Promise<Uint8Array> {
  if (file === '-') return await world.readStdin(MOST_BYTES);
  try {
    return await world.readBytes(file, MOST_BYTES);
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** What the codes of a failed read mean, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'the file does not exist',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'you have no right to read it',
  EPERM: 'you have no right to read it',
};

/** Returns the error for a file that could not be read. */
export function unreadable(file: string, error: unknown): CliError {
  const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return usageError(
    `cannot read ${file}: ${REASONS[why] ?? why}`,
    'Give the path of a file that you may read, or - for standard input.',
  );
}

export async function readYamlFile<S extends z.ZodType>(
  world: World,
  file: string,
  schema: S,
): Promise<Located<z.infer<S>>> {
  return readYaml(nameOf(file), await readText(world, file), schema);
}
