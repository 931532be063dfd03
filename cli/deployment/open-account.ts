import * as z from 'zod';
import type { AwsAccount, AwsSettings } from '../shell/aws-calls.ts';
import { AwsRefusal } from '../shell/aws-calls.ts';
import type { World } from '../shell/context.ts';
import { CliError, EXIT } from '../shell/exit.ts';
import { readLocalContext } from '../shell/settings.ts';
import type { Stage } from './find-deployment.ts';

/** Who makes the calls. */
export interface Caller {
  account: string;
  arn: string;
}

const engineSchema = z.object({
  engineUrl: z.url(),
  engineAccessKeyId: z.string(),
  engineSecretAccessKey: z.string(),
});
const LOCAL_REGION = 'us-east-1';

/**
 * Opens the AWS account of the environment. For the stage `local` without AWS_ENDPOINT_URL, opens the engine that
 * `local up` has started.
 *
 * @throws CliError if AWS cannot be reached, or refuses the credentials
 */
export async function openAccount(
  world: World,
  stage: Stage | undefined,
): Promise<{ account: AwsAccount; caller: Caller; settings: AwsSettings }> {
  try {
    const settings = await settingsOf(world, stage);
    const account = await world.openAccount(settings);
    const { Account = '', Arn = '' } = await account.call('sts:GetCallerIdentity', {});
    return { account, caller: { account: Account, arn: Arn }, settings };
  } catch (error) {
    if (!(error instanceof AwsRefusal)) throw error;
    throw new CliError(
      EXIT.unreachable,
      'aws-unreachable',
      `AWS cannot be reached with these credentials: ${error.message}`,
      'Set AWS_PROFILE or AWS_ACCESS_KEY_ID, and AWS_REGION. `aws sts get-caller-identity` has to work. For the local stack, run `fleetwright local up` and give --stage local.',
      { cause: error },
    );
  }
}

async function settingsOf(world: World, stage: Stage | undefined): Promise<AwsSettings> {
  const endpoint = world.env['AWS_ENDPOINT_URL'];
  if (endpoint) return { endpoint };
  if (stage !== 'local') return {};
  const local = engineSchema.safeParse(await readLocalContext(world));
  if (!local.success) return {};
  const { engineUrl, engineAccessKeyId, engineSecretAccessKey } = local.data;
  return {
    endpoint: engineUrl,
    region: LOCAL_REGION,
    credentials: { accessKeyId: engineAccessKeyId, secretAccessKey: engineSecretAccessKey },
  };
}
