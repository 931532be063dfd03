import * as z from 'zod';
import { ApiProblem, ApiUnreachable } from '../../client/index.ts';
import { CliError, EXIT } from './exit.ts';
import { problemError } from './failure.ts';
import type { Located } from './yaml-file.ts';

/** Reads the value of `--idempotency-key`. */
export const idempotencyKeyInput = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters')
  .optional();

/**
 * Sends a request that creates something, with an idempotency key.
 *
 * @param what the thing that is created: `fleet`
 * @param source the file from which the request was read; absent: the request was given by flags
 * @throws CliError if the API refuses the request, with positions in the file, or if no answer comes. The error then
 *   names the key, with which the command can be run again safely
 */
export async function askOnce<Answer>(
  what: string,
  idempotencyKey: string,
  source: Located<unknown> | undefined,
  send: (idempotencyKey: string) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await send(idempotencyKey);
  } catch (error) {
    if (error instanceof ApiProblem) throw problemError(error, source);
    if (!(error instanceof ApiUnreachable)) throw error;
    throw new CliError(
      EXIT.unreachable,
      'unreachable',
      error.message,
      `The API may have accepted the ${what}. Run the command again with --idempotency-key ${idempotencyKey}: it creates no second ${what}.`,
      { data: { idempotencyKey }, cause: error },
    );
  }
}
