import { CliError, EXIT } from '../cli/exit.ts';

/** One call to the simulated clouds' control API. @throws CliError when they cannot be reached */
export async function ask(url: string, init: { method?: string; body?: string } = {}): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, {
      ...init,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(30_000),
    });
  } catch (cause) {
    throw new CliError(
      EXIT.unreachable,
      'no-simulated-clouds',
      `no answer from the simulated clouds at ${url}`,
      'See `npx fleetwright local status`, and start them with `npx fleetwright local up`.',
      { cause },
    );
  }
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return await response.json();
}
