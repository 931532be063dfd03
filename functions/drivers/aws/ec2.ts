import {
  type $Command,
  DescribeRegionsCommand,
  EC2Client,
  type EC2ClientResolvedConfig,
  type Region,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-ec2';
import type { CallKind } from '../../model/limit-profile.ts';
import { DriverError } from '../contract/errors.ts';
import type { DriverClock } from '../contract/surroundings.ts';
import { ask, type Surroundings } from './ask.ts';
import type { KeySource } from './credentials.ts';
import type { HomeIdentity } from './home-identity.ts';
import { Kept } from './kept.ts';
import { isSamePartition, requireSamePartition } from './partitions.ts';
import { isKnownRegion, otherRegions } from './regions.ts';
import { clientSettings, type RequestHandler } from './settings.ts';

type Ec2Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = $Command<
  Input,
  Output,
  EC2ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

/** Maximum number of items in one page of most EC2 lists. */
export const PAGE_SIZE = 1_000;

export interface Ec2Options extends Surroundings {
  endpoint: string | undefined;
  homeRegion: string;
  keys: KeySource;
  requestHandler: RequestHandler;
}

/** Calls EC2's API in all regions, with one SDK client for each region. Throws only DriverError. */
export class Ec2 {
  readonly clock: DriverClock;
  readonly #options: Ec2Options;
  readonly #identity: HomeIdentity;
  readonly #clients = new Map<string, EC2Client>();
  readonly #regions = new Kept<Region[]>();

  constructor(options: Ec2Options, identity: HomeIdentity) {
    this.#options = options;
    this.#identity = identity;
    this.clock = options.clock;
  }

  /** Lists all regions, with those that are not enabled for the account. */
  regions(): Promise<Region[]> {
    return this.#regions.get('all', async () => {
      const { homeRegion } = this.#options;
      return await this.#regionsBy(homeRegion).catch(async (denied: unknown) => {
        if (!(denied instanceof DriverError) || denied.code !== 'Forbidden') throw denied;
        // A policy may deny all of EC2 in the home region. Any other region has the same list.
        for (const region of otherRegions(homeRegion)) {
          const known = await this.#regionsBy(region).catch((error: unknown) => {
            if (error instanceof DriverError) return undefined;
            throw error;
          });
          if (known) return known;
        }
        throw denied;
      });
    });
  }

  async #regionsBy(region: string): Promise<Region[]> {
    const { Regions } = await this.#send(region, new DescribeRegionsCommand({ AllRegions: true }));
    // EC2 lists the regions of its own partition. Emulators list those of all partitions.
    return (Regions ?? []).filter(({ RegionName = '' }) => isSamePartition(RegionName, region));
  }

  async send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    location: string,
    command: Ec2Command<Input, Output>,
  ): Promise<Output> {
    await this.requireRegion(location);
    return await this.#send(location, command);
  }

  /**
   * Asks whether a call would be allowed. EC2 makes nothing, and answers with an error in each case.
   *
   * @returns undefined if the call would be allowed; the answer of a server that is not EC2, ignored the wish, and made
   *   the call
   * @throws DriverError if the call would be refused
   */
  async dryRun<
    Input extends ServiceInputTypes & { DryRun?: boolean | undefined },
    Output extends ServiceOutputTypes,
  >(location: string, command: Ec2Command<Input, Output>): Promise<Output | undefined> {
    await this.requireRegion(location);
    return await this.#call(location, command, 'mutate', async (send) => {
      try {
        return await send();
      } catch (error) {
        if (error instanceof Error && error.name === 'DryRunOperation') return undefined;
        throw error;
      }
    });
  }

  /** Reads every item of a list, to the last page. */
  async all<Page extends { NextToken?: string | undefined }, Item>(
    page: (NextToken: string | undefined) => Promise<Page>,
    itemsOf: (page: Page) => readonly Item[] | undefined,
  ): Promise<Item[]> {
    const items: Item[] = [];
    let next: string | undefined;
    do {
      const answer = await page(next);
      items.push(...(itemsOf(answer) ?? []));
      next = answer.NextToken;
    } while (next);
    return items;
  }

  /**
   * Checks that the region is in the partition of the connection, and exists: it is in the table of `regions.ts`, or
   * EC2 lists it for the account. The SDK makes a host name from the region's name. Without this check, an unknown region would look like a network failure.
   *
   * @throws DriverError InvalidRequest
   */
  async requireRegion(location: string): Promise<void> {
    requireSamePartition(location, this.#options.homeRegion);
    if (isKnownRegion(location)) return;
    const known = (await this.regions()).some(({ RegionName }) => RegionName === location);
    if (!known) throw new DriverError('InvalidRequest', `this AWS account has no region ${location}`);
  }

  async #send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    location: string,
    command: Ec2Command<Input, Output>,
  ): Promise<Output> {
    return await this.#call(location, command, kindOf(actionOf(command)), (send) => send());
  }

  async #call<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, Answer>(
    location: string,
    command: Ec2Command<Input, Output>,
    kind: CallKind,
    make: (send: () => Promise<Output>) => Promise<Answer>,
  ): Promise<Answer> {
    const machines = machinesOf(command.input);
    const call = { action: `ec2:${actionOf(command)}`, kind, location, machines };
    return await ask(
      this.#options,
      call,
      (options) => make(() => this.#client(location).send(command, options)),
      (refusal) => (isExpired(refusal) ? this.#renew(refusal) : this.#identity.judge(refusal)),
    );
  }

  /** Drops the expired keys of a role, so that the next call gets new keys. Other keys cannot be renewed. */
  #renew(expired: DriverError): DriverError {
    if (!this.#options.keys.forget()) return expired;
    // Each client of the SDK caches the keys.
    this.#clients.clear();
    const { message, cloudCode = 'ExpiredToken', call, cause } = expired;
    const detail = { answered: true, cloudCode, cause, ...(call === undefined ? {} : { call }) };
    return new DriverError('Unavailable', message, detail);
  }

  #client(location: string): EC2Client {
    const known = this.#clients.get(location);
    if (known) return known;
    const { endpoint, keys, requestHandler } = this.#options;
    const settings = clientSettings('ec2', location, endpoint, requestHandler);
    const client = new EC2Client({ ...settings, credentials: keys });
    this.#clients.set(location, client);
    return client;
  }
}

const isExpired = ({ cloudCode }: DriverError): boolean =>
  cloudCode === 'ExpiredToken' || cloudCode === 'ExpiredTokenException';

const actionOf = (command: object): string => command.constructor.name.replace(/Command$/, '');

/** Returns the number of machines that a call is about: those that it creates, or those that it names. */
function machinesOf(input: ServiceInputTypes): number {
  if ('MaxCount' in input) return input.MaxCount ?? 1;
  return 'InstanceIds' in input ? Math.max(1, input.InstanceIds?.length ?? 1) : 1;
}

function kindOf(action: string): CallKind {
  if (action === 'RunInstances') return 'create';
  return action.startsWith('Describe') ? 'list' : 'mutate';
}
