import { StartFailure } from './state/start-failure.ts';

const TRY_MS = 10_000;

/**
 * Where plain HTTP clients reach the deployed API. Its own address, `<id>.execute-api.localhost:<port>`, resolves on
 * few machines, so the engine's path form is used: `/_aws/execute-api/<id>`, with the stage's name after it where an
 * engine insists on that. Whichever brings an answer of our API is it; no process has to stand in between.
 *
 * @param deployedUrl the stack's output
 * @throws StartFailure when none does
 */
export async function findApiUrl(engineUrl: string, deployedUrl: string): Promise<string> {
  const [id] = new URL(deployedUrl).hostname.split('.');
  const base = `${engineUrl}/_aws/execute-api/${id}`;
  const candidates = [base, `${base}/$default`, `${base}/%24default`];
  for (const candidate of candidates) if (await isOurs(candidate)) return candidate;
  throw new StartFailure(
    `the engine does not serve the API at any of ${candidates.join(', ')}`,
    'Is it compatible with LocalStack? `fleetwright local logs` shows what it and the functions say.',
  );
}

/** Asked without a key, our API says so in words that no gateway uses. */
async function isOurs(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/v1/namespaces`, { signal: AbortSignal.timeout(TRY_MS) });
    return answer.headers.get('www-authenticate')?.includes('realm="fleetwright"') ?? false;
  } catch {
    // No answer in time: not here.
    return false;
  }
}
