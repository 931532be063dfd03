import type { z } from 'zod';
import type { Cloud } from '../../model/cloud.ts';
import { DriverError } from '../errors.ts';
import {
  anyAnswerSchema,
  connectionConfigSchema,
  type RegionZoneAnswer,
  regionSchema,
  regionZoneSchema,
  regionZonesSchema,
} from './answers.ts';
import { isNotFound } from './errors.ts';
import { providerName } from './providers.ts';
import type { SpiderTransport } from './transport.ts';

/** What a location is to CB-Spider: a connection config, and the zones of its region. */
export interface SpiderPlace {
  connectionName: string;
  location: string;
  zones: readonly string[];
  /** Where what names no zone goes; absent where the cloud has none. */
  defaultZone: string | undefined;
}

export interface Registrant {
  transport: SpiderTransport;
  cloud: Cloud;
  deploymentId: string;
  /** `<namespace>/<name>`: machines are kept under it in CB-Spider, so that a new secret must not change it. */
  connectionKey: string;
  keyValues: readonly { Key: string; Value: string }[];
}

/**
 * Drivers, credentials, regions and connection configs that CB-Spider has to know before it knows a machine. All are
 * upserts under names of ours, which no other deployment, connection or location has: deployment, namespace and
 * connection have no `.` in their names, and the location comes last.
 */
export class Registration {
  readonly #registrant: Registrant;
  readonly #driverName: string;
  readonly #credentialName: string;
  #account: Promise<void> | undefined;
  readonly #places = new Map<string, Promise<SpiderPlace>>();

  constructor(registrant: Registrant) {
    const { deploymentId, connectionKey, cloud } = registrant;
    this.#registrant = registrant;
    this.#driverName = `fw.${deploymentId}.${cloud}`;
    this.#credentialName = `fw.${deploymentId}.${connectionKey.replace('/', '.')}`;
  }

  get account(): string {
    return `${providerName(this.#registrant.cloud)}/${this.#credentialName}`;
  }

  /** Every region that the cloud names to this credential. */
  async regions(): Promise<RegionZoneAnswer[]> {
    await this.#ensureAccount();
    const { regionzone } = await this.#registrant.transport.call({
      method: 'GET',
      path: ['preconfig', 'regionzone'],
      query: this.#asAccount(),
      answer: regionZonesSchema,
      timeoutMs: 20_000,
    });
    return regionzone;
  }

  /** @throws DriverError NotFound when the cloud has no such location */
  place(location: string): Promise<SpiderPlace> {
    const known = this.#places.get(location);
    if (known) return known;
    const place = this.#ensurePlace(location);
    this.#places.set(location, place);
    // What failed is tried again by the next call.
    place.catch(() => this.#places.delete(location));
    return place;
  }

  #ensureAccount(): Promise<void> {
    if (this.#account) return this.#account;
    const account = this.#registerAccount();
    this.#account = account;
    account.catch(() => {
      this.#account = undefined;
    });
    return account;
  }

  async #registerAccount(): Promise<void> {
    const { cloud, keyValues } = this.#registrant;
    const ProviderName = providerName(cloud);
    // CB-Spider wants a file's name, and looks at it only where drivers are plug-ins.
    const DriverLibFileName = `${cloud}-driver-v1.0.so`;
    await this.#write('driver', { DriverName: this.#driverName, ProviderName, DriverLibFileName });
    await this.#write('credential', {
      CredentialName: this.#credentialName,
      ProviderName,
      KeyValueInfoList: keyValues,
    });
  }

  async #ensurePlace(location: string): Promise<SpiderPlace> {
    await this.#ensureAccount();
    const connectionName = `${this.#credentialName}.${location}`;
    const zones =
      (await this.#knownZones(connectionName)) ?? (await this.#register(connectionName, location));
    return { connectionName, location, zones, defaultZone: zones[0] };
  }

  /** Spares the cloud a question where CB-Spider has been told already. */
  async #knownZones(connectionName: string): Promise<string[] | undefined> {
    try {
      const [config, region] = await Promise.all([
        this.#read(['connectionconfig', connectionName], connectionConfigSchema),
        this.#read(['region', connectionName], regionSchema),
      ]);
      const isOurs =
        config.DriverName === this.#driverName &&
        config.CredentialName === this.#credentialName &&
        config.RegionName === connectionName;
      return isOurs ? region.AvailableZoneList : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #register(connectionName: string, location: string): Promise<string[]> {
    const { ZoneList } = await this.#region(location);
    const usable = ZoneList.filter(({ Status }) => Status !== 'Unavailable');
    const zones = usable.map(({ Name }) => Name).sort();
    const ProviderName = providerName(this.#registrant.cloud);
    await this.#write('region', {
      RegionName: connectionName,
      ProviderName,
      KeyValueInfoList: [
        { Key: 'Region', Value: location },
        { Key: 'Zone', Value: zones[0] ?? '' },
      ],
      AvailableZoneList: zones,
    });
    await this.#write('connectionconfig', {
      ConfigName: connectionName,
      ProviderName,
      DriverName: this.#driverName,
      CredentialName: this.#credentialName,
      RegionName: connectionName,
    });
    return zones;
  }

  async #region(location: string): Promise<RegionZoneAnswer> {
    try {
      const path = ['preconfig', 'regionzone', location] as const;
      const region = await this.#read([...path], regionZoneSchema, this.#asAccount());
      if (region.Name === location) return region;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    throw new DriverError('NotFound', `the cloud has no location ${location}`);
  }

  #asAccount(): Record<string, string> {
    return { DriverName: this.#driverName, CredentialName: this.#credentialName };
  }

  #read<Answer>(
    path: [string, ...string[]],
    answer: z.ZodType<Answer>,
    query: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#registrant.transport.call({ method: 'GET', path, query, answer });
  }

  async #write(kind: string, body: object): Promise<void> {
    await this.#registrant.transport.call({
      method: 'POST',
      path: [kind],
      body,
      answer: anyAnswerSchema,
      timeoutMs: 10_000,
      effect: 'reads',
    });
  }
}
