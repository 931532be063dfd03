import { dirname, isAbsolute, join } from 'node:path';
import * as z from 'zod';
import { issueErrors } from '../../functions/model/issue-text.ts';
import {
  USER_DATA_ENCODINGS,
  type UserData,
  type UserDataEncoding,
} from '../../functions/model/user-data.ts';
import type { World } from './context.ts';
import { CliError, fileError, usageError } from './exit.ts';
import type { FileError } from './file-error.ts';
import { readText, unreadable } from './files.ts';
import { MOST_BYTES } from './text-bytes.ts';
import { errorAt, type Located } from './yaml-file.ts';

/** User data in a fleet.yaml: the name of a file, which the command line reads before it asks the API. */
export const userDataFileSchema = z.strictObject({
  file: z.string().min(1).describe('Name of a file, relative to the folder of fleet.yaml.'),
  encoding: z
    .enum(USER_DATA_ENCODINGS)
    .default('plain')
    .describe(
      'How the machine gets the file: plain, compressed with gzip, or base64 for a file that is no text.',
    ),
});

/**
 * Reads user data from a file; `-` is standard input.
 *
 * @throws CliError (wrong use) if the file cannot be read, or is no text and the encoding needs text
 */
export async function readUserData(
  world: World,
  file: string,
  encoding: UserDataEncoding,
): Promise<UserData> {
  if (file === '-') return { text: await textOf(world, encoding), encoding };
  let bytes: Buffer;
  try {
    bytes = Buffer.from(await world.readBytes(file, MOST_BYTES));
  } catch (error) {
    throw unreadable(file, error);
  }
  if (encoding === 'base64') return { text: bytes.toString('base64'), encoding };
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) {
    throw usageError(
      `${file} is not text in UTF-8`,
      'Give the encoding base64, which sends the bytes of the file.',
    );
  }
  return encoding === 'plain' ? text : { text, encoding };
}

async function textOf(world: World, encoding: UserDataEncoding): Promise<string> {
  if (encoding !== 'base64') return await readText(world, '-');
  throw usageError('standard input is read as text', 'Give the name of a file for the encoding base64.');
}

const groupSchema = z.looseObject({ userData: z.looseObject({ file: z.unknown() }) });

/**
 * Returns the content of a file with a list in which the user data has the text of each file that the content names.
 *
 * @param within name of the file with the list; `-` is standard input
 * @param list name of the field with the list: `nodeGroups` of a fleet.yaml, or `instances`
 * @throws CliError (wrong use) with the position of each file that cannot be used
 */
export async function withUserDataFiles(
  world: World,
  within: string,
  parsed: Located<unknown>,
  list: 'nodeGroups' | 'instances',
): Promise<unknown> {
  const body = z.looseObject({ [list]: z.array(z.unknown()) }).safeParse(parsed.value);
  if (!body.success) return parsed.value;
  const reading = new NamedFiles(world, within, parsed);
  const parts = await Promise.all((body.data[list] ?? []).map((part, at) => reading.read(part, [list, at])));
  reading.end();
  return { ...body.data, [list]: parts };
}

/** Returns the content of a file with one instance, as `withUserDataFiles` does. @throws CliError (wrong use) */
export async function withUserDataFile(
  world: World,
  instanceFile: string,
  parsed: Located<unknown>,
): Promise<unknown> {
  const reading = new NamedFiles(world, instanceFile, parsed);
  const value = await reading.read(parsed.value, []);
  reading.end();
  return value;
}

/** Reads the files with user data that a file names, and collects what is wrong. */
class NamedFiles {
  readonly #world: World;
  readonly #within: string;
  readonly #read: Located<unknown>;
  readonly #errors: FileError[] = [];

  constructor(world: World, within: string, read: Located<unknown>) {
    this.#world = world;
    this.#within = within;
    this.#read = read;
  }

  /** Returns a part of the content with the text of its user data. */
  async read(part: unknown, at: readonly (string | number)[]): Promise<unknown> {
    const found = groupSchema.safeParse(part);
    if (!found.success) return part;
    const named = userDataFileSchema.safeParse(found.data.userData);
    if (!named.success) {
      const errors = issueErrors(named.error, userDataFileSchema, found.data.userData);
      for (const { code, message } of errors) this.#add(at, code, message);
      return part;
    }
    const { file, encoding } = named.data;
    const folder = this.#within === '-' ? '.' : dirname(this.#within);
    const path = isAbsolute(file) ? file : join(folder, file);
    try {
      return { ...found.data, userData: await readUserData(this.#world, path, encoding) };
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      this.#add(at, 'unreadable-file', error.message);
      return part;
    }
  }

  /** @throws CliError (wrong use) if a file cannot be used */
  end(): void {
    if (this.#errors.length === 0) return;
    const message = `${this.#within} names files that cannot be used`;
    throw fileError(message, 'Correct the lines named above.', this.#errors);
  }

  #add(at: readonly (string | number)[], code: string, message: string): void {
    const path = [...at, 'userData', 'file'];
    this.#errors.push(errorAt(this.#read, path, code, message));
  }
}
