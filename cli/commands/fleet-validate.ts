import * as z from 'zod';
import { ApiProblem } from '../../client/index.ts';
import { command } from '../shell/command.ts';
import { CliError, EXIT } from '../shell/exit.ts';
import { fileErrorsOf, MOST_SOURCES, problemError } from '../shell/failure.ts';
import { type FileError, fileErrorLine, sourceLines } from '../shell/file-error.ts';
import { readFleetFile } from '../shell/fleet-file.ts';

export const fleetValidate = command({
  name: 'validate',
  summary: 'Check a fleet.yaml, and create nothing. Exits with 2 if the file has errors',
  flags: [
    ['-f, --file <file>', 'fleet.yaml, or JSON; - reads standard input'],
    ['--api', 'ask the API, too, which knows connections, locations, types, images and limits'],
  ],
  examples: ['fleet validate -f fleet.yaml', 'fleet validate -f fleet.yaml --api --json'],
  input: z.object({ file: z.string(), api: z.boolean().default(false) }),
  async run({ file, api }, context) {
    try {
      const read = await readFleetFile(context.world, file);
      const params = { namespace: api ? await context.namespace() : '' };
      const answer = api
        ? await (await context.api()).validateFleet({ params, body: read.value }).catch((error: unknown) => {
            throw error instanceof ApiProblem ? problemError(error, read) : error;
          })
        : { warnings: [] };
      const warnings = fileErrorsOf(answer.warnings, read);
      return {
        document: { valid: true, file, errors: [], warnings },
        text: [
          `${file} is valid${api ? '' : ' as far as it can be checked without the API'}.`,
          ...lines('Warning', warnings),
        ].join('\n'),
      };
    } catch (error) {
      const errors = error instanceof CliError ? error.fileErrors : undefined;
      if (!errors) throw error;
      return {
        document: { valid: false, file, errors, warnings: [] },
        text: [
          `${file} has ${errors.length === 1 ? '1 error' : `${errors.length} errors`}.`,
          ...lines('Error', errors),
        ].join('\n'),
        exitCode: EXIT.usage,
      };
    }
  },
});

const lines = (kind: string, errors: readonly FileError[]): string[] =>
  errors.flatMap((error, at) => [
    `${kind}: ${fileErrorLine(error)}`,
    ...(at < MOST_SOURCES ? sourceLines(error).map((line) => `  ${line}`) : []),
  ]);
