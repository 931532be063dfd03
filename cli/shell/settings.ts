import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { nameSchema } from '../../functions/model/identifiers.ts';
import type { Session, World } from './context.ts';
import { CliError, EXIT, usageError } from './exit.ts';

export interface GlobalOptions {
  json?: boolean | undefined;
  apiUrl?: string | undefined;
  apiKey?: string | undefined;
  /** Token of a user, used instead of an API key. */
  token?: string | undefined;
  /** The values of the flag `--namespace`. One command takes more than one. */
  namespace?: string[] | undefined;
}

const localContextSchema = z.object({
  apiUrl: z.url(),
  apiKey: z.string().min(1),
  namespace: nameSchema.optional(),
});

/**
 * The state folder of `local up`, unless FLEETWRIGHT_HOME is set. The folder does not depend on the working
 * directory.
 */
const LOCAL_HOME = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.fleetwright');

/**
 * Reads the environment variable FLEETWRIGHT_<name>. An empty value counts as not set, as in most shell
 * scripts.
 */
const setting = (world: World, name: string): string | undefined =>
  world.env[`FLEETWRIGHT_${name}`] || undefined;

/** Reads the file that `local up` stored. Returns undefined if there is none. @throws CliError if it is no JSON */
export async function readLocalContext(world: World): Promise<unknown> {
  const file = localContextFile(world);
  let text: string;
  try {
    text = await world.readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badLocalContext(file, cause);
  }
}

const localContextFile = (world: World): string => join(setting(world, 'HOME') ?? LOCAL_HOME, 'context.json');

const badLocalContext = (file: string, cause: unknown): CliError =>
  new CliError(
    EXIT.unreachable,
    'bad-local-context',
    `${file} does not have the content that \`fleetwright local up\` writes`,
    'Run `fleetwright local up` again, or give --api-url and FLEETWRIGHT_API_KEY.',
    { cause },
  );

/** Reads the settings that `local up` stored. Returns undefined if `local up` stored none. */
async function localContext(world: World): Promise<z.infer<typeof localContextSchema> | undefined> {
  const stored = await readLocalContext(world);
  if (stored === undefined) return undefined;
  const parsed = localContextSchema.safeParse(stored);
  if (!parsed.success) throw badLocalContext(localContextFile(world), parsed.error);
  return parsed.data;
}

/**
 * Finds the API's URL and an API key: first in the flags, then in the environment, then in the settings that
 * `local up` stored. The stored key is used only with the stored URL.
 */
export async function resolveSession(options: GlobalOptions, world: World): Promise<Session> {
  const apiUrl = options.apiUrl ?? setting(world, 'API_URL');
  // The API takes a token in the place of a key.
  const apiKey = options.token ?? options.apiKey ?? setting(world, 'TOKEN') ?? setting(world, 'API_KEY');
  checkApiUrl(apiUrl);
  checkApiKey(apiKey);
  if (apiUrl !== undefined && apiKey !== undefined) return { apiUrl, apiKey };
  const local = await localContext(world);
  if (apiUrl === undefined && local) return { apiUrl: local.apiUrl, apiKey: apiKey ?? local.apiKey };
  if (apiUrl !== undefined && apiUrl === local?.apiUrl) return { apiUrl, apiKey: local.apiKey };
  if (apiUrl === undefined) {
    throw usageError(
      'the URL of the API is not known',
      'Start the local stack with `fleetwright local up`, or set FLEETWRIGHT_API_URL and FLEETWRIGHT_API_KEY.',
    );
  }
  throw usageError(
    `the API key for ${apiUrl} is not known`,
    'Set FLEETWRIGHT_API_KEY. Create the first key of a deployment with `fleetwright api-key create NAME --direct --access-table TABLE`.',
  );
}

/** Checks the URL of the API. The errors do not repeat the URL, because it may contain a password. */
function checkApiUrl(apiUrl: string | undefined): void {
  if (apiUrl === undefined) return;
  const url = URL.parse(apiUrl);
  if (!/^https?:$/.test(url?.protocol ?? ''))
    throw usageError('the API URL is not an http or https URL', 'Give --api-url https://….');
  if (url?.username || url?.password)
    throw usageError(
      'the API URL has a user name or a password',
      'Give --api-url https://HOST, and the key alone.',
    );
}

/**
 * Checks that an API key can be sent in a header. `fetch` would also refuse other characters, but its error repeats the
 * key.
 */
function checkApiKey(apiKey: string | undefined): void {
  if (apiKey === undefined || /^[\x21-\x7e]+$/.test(apiKey)) return;
  throw usageError(
    'the API key has a blank, a line break, or another character that no API key has',
    'Set FLEETWRIGHT_API_KEY to the key alone, as `fleetwright api-key create` printed it.',
  );
}

export async function resolveNamespace(options: GlobalOptions, world: World): Promise<string> {
  if (options.namespace !== undefined && options.namespace.length > 1) {
    throw usageError(
      'the command works in one namespace, and --namespace was given more than once',
      'Give --namespace once.',
    );
  }
  const given = options.namespace?.[0] ?? setting(world, 'NAMESPACE');
  const name = given ?? (await localContext(world))?.namespace ?? 'default';
  const parsed = nameSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  throw usageError(
    `${JSON.stringify(name)} is not the name of a namespace: ${parsed.error.issues[0]?.message}`,
    'Give the name with --namespace NAME.',
  );
}
