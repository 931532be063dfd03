import * as z from 'zod';
import { type InstanceRequest, instanceRequestSchema } from '../../functions/model/fleet-request.ts';
import { issueErrors } from '../../functions/model/issue-text.ts';
import type { World } from './context.ts';
import { usageError } from './exit.ts';
import { readText } from './files.ts';
import { withUserDataFile } from './user-data-file.ts';
import { checkContent, type Located, parseYaml, pointerOf } from './yaml-file.ts';

/** Fields of a request that flags give. A field without a value is not given. */
export type GivenFields = Readonly<Record<string, unknown>>;

const objectSchema = z.record(z.string(), z.unknown());
/** Fields whose parts a flag replaces one by one. */
const MERGED = new Set(['labels', 'tags', 'ssh', 'metadataOptions']);

/**
 * Returns the request for an instance that flags and a file give together. A flag replaces the field of the file.
 * Labels, tags, `ssh` and `metadataOptions` are merged.
 *
 * @param file YAML or JSON with the fields of an instance; `-` is standard input; absent: flags only
 * @throws CliError (wrong use) that names line and column of every error of the file, or the wrong field
 */
export async function readInstanceRequest(
  world: World,
  file: string | undefined,
  given: GivenFields,
): Promise<{ body: InstanceRequest; source?: Located<unknown> }> {
  if (file === undefined) return { body: checkFields(merge({}, given)) };
  const name = file === '-' ? 'stdin' : file;
  const parsed = parseYaml(name, await readText(world, file));
  const value = await withUserDataFile(world, file, parsed);
  const fields = objectSchema.safeParse(value);
  const merged = { ...parsed, value: fields.success ? merge(fields.data, given) : value };
  const { value: body } = checkContent(name, merged, instanceRequestSchema);
  return { body, source: parsed };
}

function merge(file: GivenFields, flags: GivenFields): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...file };
  for (const [field, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const both = [file[field], value].map((one) => objectSchema.safeParse(one).data);
    const [earlier, later] = both;
    merged[field] = MERGED.has(field) && earlier && later ? merge(earlier, later) : value;
  }
  return merged;
}

function checkFields(fields: Record<string, unknown>): InstanceRequest {
  const parsed = instanceRequestSchema.safeParse(fields);
  if (parsed.success) return parsed.data;
  throw usageError(
    'the flags give no complete request',
    'Give the fields named above by flags or in a file (-f); see `fleetwright instance create --help`.',
    issueErrors(parsed.error, instanceRequestSchema, fields).map(
      ({ path, message }) => `${pointerOf(path)}: ${message}`,
    ),
  );
}
