import { type Credential, credentialSchema } from '../../functions/model/connection.ts';
import type { World } from './context.ts';
import { type CliError, usageError } from './exit.ts';
import { readText } from './files.ts';

/**
 * Reads a credential from a JSON file, standard input or environment variables. Values are never taken from
 * the command line, because other users of the machine can see command lines. No error message repeats any
 * part of a value.
 */
export async function readCredential(
  world: World,
  from: { credential: readonly string[]; credentialFile: string | undefined },
): Promise<Credential> {
  const fromFile = from.credentialFile === undefined ? {} : await readFile(world, from.credentialFile);
  const fromVariables = from.credential.map((pair) => readVariable(world, pair));
  const parsed = credentialSchema.safeParse({ ...fromFile, ...Object.fromEntries(fromVariables) });
  if (parsed.success) return parsed.data;
  throw refused(
    'the credential has a field with a wrong name or value: names have letters and digits, values 1 to 8,192 characters',
  );
}

async function readFile(world: World, file: string): Promise<Credential> {
  // What was given as a path is not repeated, because it may be the secret itself.
  const name = file === '-' ? 'standard input' : 'the file of --credential-file';
  const text = await readText(world, file, name);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The message of JSON.parse would quote the text, which may contain secrets.
    throw refused(`${name} is not valid JSON`);
  }
  const parsed = credentialSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw refused(`${name} is not a JSON object whose values are strings`);
}

function readVariable(world: World, pair: string): [string, string] {
  const [, key, variable] = /^([A-Za-z][A-Za-z0-9]{0,63})=env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(pair) ?? [];
  if (key === undefined || variable === undefined) {
    throw refused('--credential takes KEY=env:VARIABLE and not the value itself');
  }
  const value = world.env[variable];
  if (value) return [key, value];
  throw usageError(
    `the environment variable ${variable} is not set`,
    `Set ${variable} to the value of ${key}.`,
  );
}

const refused = (message: string): CliError =>
  usageError(
    message,
    'Give --credential KEY=env:VARIABLE, or --credential-file with JSON such as {"accessKeyId": "…"}. `fleetwright driver list` shows the fields.',
  );
