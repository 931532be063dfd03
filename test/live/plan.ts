import type { Credential } from '../../functions/model/connection.ts';

/** What a run at a real account is going to do, and the most that it can cost. */
export interface LivePlan {
  location: string;
  instanceType: string;
  /** By the name that `listImages` gives it. */
  image: string;
  /** The most that exist at a time. */
  machines: number;
  /** After this, whatever is still there is removed. */
  minutes: number;
  maxUsd: number;
  /** As if every machine ran for all of that time, at the prices of the dearest region. */
  estimateUsd: number;
}

/** The run cannot be made as it was asked for. */
export class PlanRefused extends Error {
  override readonly name = 'PlanRefused';
}

/** USD an hour on demand with Linux, at AWS's dearest region; what is dearer than these is not for a test. */
const HOURLY_USD: Readonly<Record<string, number>> = {
  't3.nano': 0.0084,
  't3.micro': 0.0168,
  't3.small': 0.0336,
  'm5.large': 0.153,
};
const PUBLIC_ADDRESS_HOURLY_USD = 0.005;
/** 30 GB of gp3, more than any of the images has, at the dearest region's price for a month. */
const DISK_HOURLY_USD = (30 * 0.152) / 730;

const MACHINES = 3;
const MINUTES = 30;
const DEFAULT_CAP_USD = 0.25;

type Environment = Readonly<Record<string, string | undefined>>;

export const LIVE_USAGE = `LIVE=aws npm run test:live

Makes a network and ${MACHINES} machines at a real account, uses them, and removes all of it again.

  LIVE                     aws
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
                           whose account; rights as in docs/drivers/aws.md, for the deployment fleetwright-live
  LIVE_REGION              where; us-east-1 if absent
  LIVE_INSTANCE_TYPE       ${Object.keys(HOURLY_USD).join(', ')}; t3.micro if absent
  LIVE_IMAGE               al2023 if absent
  LIVE_MAX_USD             the most that the run may cost; ${DEFAULT_CAP_USD} if absent

Exit codes: 0 all held and nothing is left; 1 something did not hold, or is left; 2 wrong use, or dearer than the cap.`;

/** @throws PlanRefused saying what is wrong, or that it would cost more than the cap */
export function assignmentOf(env: Environment): LivePlan {
  if (env['LIVE'] !== 'aws') throw new PlanRefused('LIVE has to say whose account: aws');
  const instanceType = env['LIVE_INSTANCE_TYPE'] || 't3.micro';
  const hourlyUsd = HOURLY_USD[instanceType];
  if (hourlyUsd === undefined) {
    throw new PlanRefused(`LIVE_INSTANCE_TYPE is ${instanceType}; it has to be one whose price is known`);
  }
  const maxUsd = Number(env['LIVE_MAX_USD'] || DEFAULT_CAP_USD);
  if (!(maxUsd >= 0)) throw new PlanRefused('LIVE_MAX_USD is not an amount');
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

/** @throws PlanRefused naming what is missing */
export function credentialOf(env: Environment): Credential {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new PlanRefused('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY have to be set');
  }
  const sessionToken = env['AWS_SESSION_TOKEN'];
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}
