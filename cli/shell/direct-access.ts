import type { ApiKey, ApiKeyRequest } from '../../functions/model/access.ts';
import { issueApiKey } from '../../functions/platform/store/api-keys.ts';
import { openStore } from '../../functions/platform/store/store.ts';
import { CliError, EXIT } from './exit.ts';

/**
 * Writes a new API key to the access table without the API, with the user's AWS rights. This is how a new
 * deployment gets its first key: the API creates a key only for a caller that already has one.
 */
export async function issueKeyDirectly(
  table: string,
  request: ApiKeyRequest,
): Promise<ApiKey & { key: string }> {
  try {
    return await issueApiKey(openStore({ access: table }), request);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'Error';
    throw new CliError(
      EXIT.unreachable,
      'aws-refused',
      `the key could not be written to the table ${table}: ${name}: ${error instanceof Error ? error.message : String(error)}`,
      'Check the name of the table (output AccessTable of the stack), AWS_PROFILE and AWS_REGION, and that your AWS credentials allow dynamodb:PutItem on the table.',
      { cause: error },
    );
  }
}
