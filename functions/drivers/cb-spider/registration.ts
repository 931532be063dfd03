import { createHmac } from 'node:crypto';
import type * as z from 'zod';
import type { Cloud } from '../../model/cloud.ts';
import { DriverError } from '../contract/errors.ts';
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

/** Describes a location as CB-Spider stores it: the name of its connection config, and its zones. */
export interface SpiderSite {
  connectionName: string;
  location: string;
  /** Zones in the order in which they were first seen. The order never changes. */
  zones: readonly string[];
  /** The zone for launches that name no zone. It never changes. Absent if the cloud has no zones. */
  defaultZone: string | undefined;
}

export interface Registrant {
  transport: SpiderTransport;
  cloud: Cloud;
  deploymentId: string;
  /**
   * `<namespace>/<name>` of the user's connection. The names of connection configs contain this key, and CB-Spider
   * stores machines by connection config. Therefore the key does not depend on the credential.
   */
  connectionKey: string;
  keyValues: readonly { Key: string; Value: string }[];
  /**
   * Password of the CB-Spider server. It is also the key of an HMAC of the credential. The credential's name in
   * CB-Spider contains this HMAC. Without the password, the name does not reveal the credential.
   */
  password: string;
  /**
   * True if the user's connection does not use the credential yet. The driver then registers connection configs and
   * regions under separate names, and does not change the configs and regions that the connection uses.
   */
  isTrial?: boolean;
}

/**
 * Registers the drivers, credentials, regions and connection configs that CB-Spider requires before any call about
 * machines. Each registration is an upsert. No two deployments, connections or locations share a name, because the
 * parts of a name are joined by `.`, and only the location, which comes last, may contain a `.`. Each credential has
 * its own name, so that the check of a new credential does not affect existing machines.
 */
export class Registration {
  readonly #registrant: Registrant;
  readonly #base: string;
  readonly #driverName: string;
  readonly #credentialName: string;
  #account: Promise<void> | undefined;
  readonly #sites = new Map<string, Promise<SpiderSite>>();

  constructor(registrant: Registrant) {
    const { deploymentId, connectionKey, cloud, keyValues, password, isTrial = false } = registrant;
    this.#registrant = registrant;
    this.#driverName = `fw.${deploymentId}.${cloud}`;
    const name = `fw.${deploymentId}.${connectionKey.replace('/', '.')}`;
    const digest = createHmac('sha256', password).update(JSON.stringify(keyValues)).digest('hex');
    this.#credentialName = `${name}.${digest.slice(0, 12)}`;
    this.#base = isTrial ? this.#credentialName : name;
  }

  /** Lists every region that the cloud shows to this credential. */
  async regions(): Promise<RegionZoneAnswer[]> {
    await this.#ensureAccount();
    const { regionzone } = await this.#registrant.transport.call({
      location: undefined,
      method: 'GET',
      path: ['preconfig', 'regionzone'],
      query: this.#asAccount(),
      answer: regionZonesSchema,
      timeoutMs: 20_000,
    });
    return regionzone;
  }

  /**
   * Returns a location, and registers it in CB-Spider if it is not registered.
   *
   * @param zone if the cached location lacks this zone, the zones are read from the cloud again
   * @throws DriverError NotFound if the cloud has no such location
   */
  async site(location: string, zone?: string): Promise<SpiderSite> {
    const known = await (this.#sites.get(location) ?? this.#keep(location, this.#ensureSite(location)));
    if (zone === undefined || known.zones.includes(zone)) return known;
    return await this.#keep(location, this.#register(known.connectionName, location, known));
  }

  /** Caches the site. If the read fails, the next call repeats the read. */
  #keep(location: string, site: Promise<SpiderSite>): Promise<SpiderSite> {
    this.#sites.set(location, site);
    site.catch(() => this.#sites.delete(location));
    return site;
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
    // CB-Spider requires a file name, but uses it only if its drivers are plug-ins.
    const DriverLibFileName = `${cloud}-driver-v1.0.so`;
    await this.#write('driver', { DriverName: this.#driverName, ProviderName, DriverLibFileName });
    await this.#write('credential', {
      CredentialName: this.#credentialName,
      ProviderName,
      KeyValueInfoList: keyValues,
    });
  }

  /** Registers a location if CB-Spider does not have it. If CB-Spider has the location, no call goes to the cloud. */
  async #ensureSite(location: string): Promise<SpiderSite> {
    await this.#ensureAccount();
    const connectionName = `${this.#base}.${location}`;
    const known = await this.#readSite(connectionName, location);
    if (!known) return await this.#register(connectionName, location);
    if (!known.isCurrent) await this.#writeConfig(connectionName);
    return known.site;
  }

  async #readSite(
    connectionName: string,
    location: string,
  ): Promise<{ site: SpiderSite; isCurrent: boolean } | undefined> {
    try {
      const [config, region] = await Promise.all([
        this.#read('sign-in', ['connectionconfig', connectionName], connectionConfigSchema),
        this.#read('sign-in', ['region', connectionName], regionSchema),
      ]);
      const isCurrent =
        config.DriverName === this.#driverName &&
        config.CredentialName === this.#credentialName &&
        config.RegionName === connectionName;
      const defaultZone = region.KeyValueInfoList.find(({ Key }) => Key === 'Zone')?.Value || undefined;
      return { site: { connectionName, location, zones: region.AvailableZoneList, defaultZone }, isCurrent };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Registers a location. Keeps the known zones that the cloud does not list now, because the cloud may list them again
   * later.
   */
  async #register(connectionName: string, location: string, known?: SpiderSite): Promise<SpiderSite> {
    const { ZoneList } = await this.#region(location);
    const sorted = ZoneList.toSorted((one, other) => (one.Name < other.Name ? -1 : 1));
    const zones = [...new Set([...(known?.zones ?? []), ...sorted.map(({ Name }) => Name)])];
    const usable = sorted.find(({ Status }) => Status !== 'Unavailable') ?? sorted[0];
    const defaultZone = known ? known.defaultZone : usable?.Name;
    await this.#write('region', {
      RegionName: connectionName,
      ProviderName: providerName(this.#registrant.cloud),
      KeyValueInfoList: [
        { Key: 'Region', Value: location },
        { Key: 'Zone', Value: defaultZone ?? '' },
      ],
      AvailableZoneList: zones,
    });
    await this.#writeConfig(connectionName);
    return { connectionName, location, zones, defaultZone };
  }

  async #writeConfig(connectionName: string): Promise<void> {
    await this.#write('connectionconfig', {
      ConfigName: connectionName,
      ProviderName: providerName(this.#registrant.cloud),
      DriverName: this.#driverName,
      CredentialName: this.#credentialName,
      RegionName: connectionName,
    });
  }

  async #region(location: string): Promise<RegionZoneAnswer> {
    try {
      const path = ['preconfig', 'regionzone', location] as const;
      const region = await this.#read('list', [...path], regionZoneSchema, this.#asAccount());
      if (region.Name === location) return region;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    throw new DriverError(
      'NotFound',
      `the cloud has no location ${location}; see \`fleetwright location list\``,
    );
  }

  #asAccount(): Record<string, string> {
    return { DriverName: this.#driverName, CredentialName: this.#credentialName };
  }

  /** Sends a read. @param kind `sign-in` if CB-Spider answers from its own tables, without a call to the cloud */
  #read<Answer>(
    kind: 'list' | 'sign-in',
    path: [string, ...string[]],
    answer: z.ZodType<Answer>,
    query: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#registrant.transport.call({ kind, location: undefined, method: 'GET', path, query, answer });
  }

  async #write(kind: string, body: object): Promise<void> {
    await this.#registrant.transport.call({
      kind: 'sign-in',
      location: undefined,
      method: 'POST',
      path: [kind],
      body,
      answer: anyAnswerSchema,
      timeoutMs: 10_000,
      effect: 'reads',
    });
  }
}
