import { CliError, EXIT } from '../../cli/shell/exit.ts';
import type { SimAccess } from '../../local/index.ts';

export interface Question {
  method?: string;
  body?: unknown;
}

/**
 * Makes one call to the simulated clouds' control API. @throws CliError if the clouds cannot be reached; Error if
 * they refuse the call
 */
export async function ask(
  { simUrl, simKey }: SimAccess,
  path: string,
  { method = 'GET', body }: Question = {},
): Promise<unknown> {
  const url = `${simUrl}/_sim/${path}`;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${simKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
  } catch (cause) {
    throw new CliError(
      EXIT.unreachable,
      'no-simulated-clouds',
      `the simulated clouds do not answer at ${url}`,
      'Check them with `npx fleetwright local status`, and start them with `npx fleetwright local up`.',
      { cause },
    );
  }
  if (!response.ok)
    throw new Error(`${url} answered with status ${response.status}: ${await response.text()}`);
  return await response.json();
}
