import type { Credential } from '../../functions/model/connection.ts';

/** The plan of a run at a real account, with the highest possible cost of the run. */
export interface LivePlan {
  location: string;
  instanceType: string;
  /** The image's name, as `listImages` returns it. */
  image: string;
  /** Number of machines that exist at the same time. */
  machines: number;
  /**
   * Time limit of the steps. When it is over, the steps end with a failure, and the run removes everything.
   */
  minutes: number;
  maxUsd: number;
  /** The cost if every machine runs for the whole time, at the prices of the most expensive region. */
  estimateUsd: number;
}

/** Error for a refused run. Its message states the reason. */
export class PlanRefused extends Error {
  override readonly name = 'PlanRefused';
}

/**
 * On-demand price of each instance type with Linux in AWS's most expensive region, in USD per hour. A run may
 * use only these types.
 */
const HOURLY_USD: Readonly<Record<string, number>> = {
  't3.nano': 0.0084,
  't3.micro': 0.0168,
  't3.small': 0.0336,
  'm5.large': 0.153,
};
const PUBLIC_ADDRESS_HOURLY_USD = 0.005;
/** Price of 30 GB of gp3 in the most expensive region. No image needs a larger disk. */
const DISK_HOURLY_USD = (30 * 0.152) / 730;

const MACHINES = 3;
const MINUTES = 30;
const DEFAULT_CAP_USD = 0.25;

type Environment = Readonly<Record<string, string | undefined>>;

export const LIVE_USAGE = `LIVE=aws npm run test:live

Makes a network and ${MACHINES} machines at a real account, uses them, and removes everything.

  LIVE                     aws
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
                           the account; permissions: docs/drivers/aws.md, for the deployment fleetwright-live
  LIVE_REGION              the region; default: us-east-1
  LIVE_INSTANCE_TYPE       ${Object.keys(HOURLY_USD).join(', ')}; default: t3.micro
  LIVE_IMAGE               the image; default: al2023
  LIVE_MAX_USD             the highest cost of the run; default: ${DEFAULT_CAP_USD}

Exit codes: 0 all steps passed and nothing is left; 1 a step failed, or something is left; 2 the run was refused.`;

/**
 * Returns the plan that these environment variables describe.
 *
 * @throws PlanRefused if a variable is invalid, or the cost exceeds the cap
 */
export function assignmentOf(env: Environment): LivePlan {
  if (env['LIVE'] !== 'aws') throw new PlanRefused(`LIVE must be aws, and is ${env['LIVE'] ?? 'not set'}`);
  const instanceType = env['LIVE_INSTANCE_TYPE'] || 't3.micro';
  const hourlyUsd = HOURLY_USD[instanceType];
  if (hourlyUsd === undefined) {
    const known = Object.keys(HOURLY_USD).join(', ');
    throw new PlanRefused(`no price is known for LIVE_INSTANCE_TYPE ${instanceType}: use one of ${known}`);
  }
  const maxUsd = Number(env['LIVE_MAX_USD'] || DEFAULT_CAP_USD);
  if (!(maxUsd >= 0)) throw new PlanRefused(`LIVE_MAX_USD is ${env['LIVE_MAX_USD']}, which is not an amount`);
  const hours = (MACHINES * MINUTES) / 60;
  const estimateUsd = hours * (hourlyUsd + PUBLIC_ADDRESS_HOURLY_USD + DISK_HOURLY_USD);
  if (estimateUsd > maxUsd) {
    throw new PlanRefused(
      `the run may cost up to ${estimateUsd.toFixed(3)} USD, which is more than the cap of ${maxUsd} USD (LIVE_MAX_USD)`,
    );
  }
  return {
    location: env['LIVE_REGION'] || 'us-east-1',
    instanceType,
    image: env['LIVE_IMAGE'] || 'al2023',
    machines: MACHINES,
    minutes: MINUTES,
    maxUsd,
    estimateUsd,
  };
}

/** Returns the credential in these environment variables. @throws PlanRefused if a key is missing */
export function credentialOf(env: Environment): Credential {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new PlanRefused('set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  }
  const sessionToken = env['AWS_SESSION_TOKEN'];
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}
