import { StartFailure } from './state/start-failure.ts';

const TRY_MS = 10_000;

/**
 * Returns the URL at which plain HTTP clients reach the deployed API. The address in the stack's output,
 * `<id>.execute-api.localhost:<port>`, resolves on few machines. The engine also serves the API at the path
 * `/_aws/execute-api/<id>`; some engines require the stage's name after this path. Tries this path without
 * and with the stage's name, and returns the first URL at which Fleetwright's API answers.
 *
 * @param deployedUrl the stack's output
 * @throws StartFailure if the API answers at none of the URLs that were tried
 */
export async function findApiUrl(engineUrl: string, deployedUrl: string): Promise<string> {
  const [id] = new URL(deployedUrl).hostname.split('.');
  const base = `${engineUrl}/_aws/execute-api/${id}`;
  const candidates = [base, `${base}/$default`, `${base}/%24default`];
  for (const candidate of candidates) if (await isOurs(candidate)) return candidate;
  throw new StartFailure(
    `the engine does not serve the API at any of ${candidates.join(', ')}`,
    'Check that the engine is compatible with LocalStack. `fleetwright local logs` shows its log and those of the functions.',
  );
}

/**
 * Returns true if Fleetwright's API answers at this URL. The API's answer to a request without a key names
 * the realm `fleetwright`. An answer of the engine itself does not name this realm.
 */
async function isOurs(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/v1/namespaces`, { signal: AbortSignal.timeout(TRY_MS) });
    return answer.headers.get('www-authenticate')?.includes('realm="fleetwright"') ?? false;
  } catch {
    // The request failed or took too long: the API is not at this URL.
    return false;
  }
}
