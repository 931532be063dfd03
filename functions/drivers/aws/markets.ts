import type { RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import type { MarketFault, WantedMarkets } from '../contract/capabilities.ts';
import type { InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { ask } from './ask.ts';
import type { Ec2, Ec2Options } from './ec2.ts';
import { readReservation } from './reservations.ts';
import { iamSettings } from './settings.ts';

/** The role with which EC2 launches spot machines in an account. */
const SPOT_ROLE = 'AWSServiceRoleForEC2Spot';
const MAKE_SPOT_ROLE = 'aws iam create-service-linked-role --aws-service-name spot.amazonaws.com';

/** Returns the parameters of RunInstances for the market of a machine. */
export function marketOptions({
  market,
  reservationId,
  maxUsdPerHour,
}: InstanceSpec): Partial<RunInstancesCommandInput> {
  if (market === 'spot') {
    return {
      InstanceMarketOptions: {
        MarketType: 'spot',
        SpotOptions: {
          SpotInstanceType: 'one-time',
          InstanceInterruptionBehavior: 'terminate',
          ...(maxUsdPerHour === undefined ? {} : { MaxPrice: decimal(maxUsdPerHour) }),
        },
      },
    };
  }
  if (market === undefined) return {};
  return {
    CapacityReservationSpecification: {
      CapacityReservationPreference: 'capacity-reservations-only',
      CapacityReservationTarget: { CapacityReservationId: reservationId },
    },
  };
}

/** Writes a price without an exponent, which EC2 would not read. */
const decimal = (usd: number): string => usd.toFixed(6).replace(/\.?0+$/, '');

/** Checks what an account needs for spot machines and for reservations. */
export class Markets {
  readonly #ec2: Ec2;
  readonly #options: Ec2Options;
  readonly #iam: IAMClient;
  /** True once the role was seen. Nothing removes it while the account has spot machines. */
  #hasSpotRole = false;

  constructor(ec2: Ec2, options: Ec2Options) {
    this.#ec2 = ec2;
    this.#options = options;
    const { homeRegion, endpoint, keys, requestHandler } = options;
    this.#iam = new IAMClient({ ...iamSettings(homeRegion, endpoint, requestHandler), credentials: keys });
  }

  async findFaults(location: string, { markets, ...wanted }: WantedMarkets): Promise<MarketFault[]> {
    await this.#ec2.requireRegion(location);
    const spot = markets.indexOf('spot');
    const ofSpot = spot >= 0 && !(await this.#spotRoleExists(location)) ? [missingRole(spot)] : [];
    return [
      ...ofSpot,
      ...(markets.includes('reserved') ? await this.#reservationFaults(location, wanted) : []),
    ];
  }

  /** Returns true also if the credential may not read the role: the launch then shows whether it exists. */
  async #spotRoleExists(location: string): Promise<boolean> {
    if (this.#hasSpotRole) return true;
    try {
      const call = { action: 'iam:GetRole', kind: 'list', location } as const;
      await ask(this.#options, call, (options) =>
        this.#iam.send(new GetRoleCommand({ RoleName: SPOT_ROLE }), options),
      );
      this.#hasSpotRole = true;
      return true;
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      if (error.code === 'Forbidden') return true;
      if (error.cloudCode === 'NoSuchEntity' || error.cloudCode === 'NoSuchEntityException') return false;
      throw error;
    }
  }

  async #reservationFaults(
    location: string,
    { reservationId = '', instanceTypes }: Omit<WantedMarkets, 'markets'>,
  ): Promise<MarketFault[]> {
    const found = await readReservation(this.#ec2, location, reservationId);
    if (found === 'denied') return [];
    const fault = (code: MarketFault['code'], message: string): MarketFault[] => [
      { at: 'reservationId', code, message },
    ];
    if (!found) {
      const message = `${location} has no capacity reservation ${reservationId} that this credential may use`;
      return fault('unknown-reservation', message);
    }
    const { State: state = 'unknown', InstanceType: type = 'unknown' } = found;
    if (state !== 'active') return fault('not-usable', `capacity reservation ${reservationId} is ${state}`);
    if (instanceTypes.includes(type)) return [];
    const types = instanceTypes.join(', ');
    return fault('not-usable', `capacity reservation ${reservationId} is for ${type}, and not for ${types}`);
  }
}

const missingRole = (at: number): MarketFault => ({
  at,
  code: 'missing-role',
  message: `the account has no role ${SPOT_ROLE}, which spot machines need: run \`${MAKE_SPOT_ROLE}\` in it`,
});
