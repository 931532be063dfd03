import { ALL_RIGHTS, type ApiKey, type ApiKeyRequest } from '../../functions/model/access.ts';
import { type ApiKeyGrant, grantApiKey } from '../../functions/model/api-key-grant.ts';
import { type IssueOutcome, issueApiKey } from '../../functions/platform/store/api-keys.ts';
import { openStore, type Store } from '../../functions/platform/store/store.ts';
import { CliError, EXIT, usageError } from './exit.ts';

/**
 * Writes a new API key to the access table without the API, with the user's AWS rights. This is how a new
 * deployment gets its first key: the API creates a key only for a caller that already has one.
 */
export async function issueKeyDirectly(
  table: string,
  request: ApiKeyRequest,
): Promise<ApiKey & { key: string }> {
  const store = openStore({ access: table });
  const grant = grantApiKey(request, ALL_RIGHTS, store.clock.now());
  if ('errors' in grant) throw refused(grant.errors.map(({ pointer, message }) => `${pointer}: ${message}`));
  const outcome = await tryToIssue(store, grant, table);
  if ('made' in outcome) return outcome.made;
  const missing = 'at' in outcome ? outcome.at.map((at) => grant.namespaces[at]) : [];
  throw refused(missing.map((name) => `--namespace: ${name} does not exist, or is being deleted`));
}

function refused(details: readonly string[]): CliError {
  return usageError('the API key cannot be made as requested', 'Correct the flags, and try again.', details);
}

async function tryToIssue(store: Store<'access'>, grant: ApiKeyGrant, table: string): Promise<IssueOutcome> {
  try {
    return await issueApiKey(store, grant);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'Error';
    throw new CliError(
      EXIT.unreachable,
      'aws-refused',
      `the key could not be written to the table ${table}: ${name}: ${error instanceof Error ? error.message : String(error)}`,
      'Check the name of the table (output AccessTable of the stack), AWS_PROFILE and AWS_REGION, and that your AWS credentials allow dynamodb:PutItem on the table, and for a key of some namespaces dynamodb:ConditionCheckItem.',
      { cause: error },
    );
  }
}
