import type * as z from 'zod';
import { REGION_ZONES, regionZone } from './catalogue.ts';
import type { configSchema, credentialSchema, driverSchema, regionSchema } from './requests.ts';
import { Refusal, type World } from './world.ts';

/**
 * Keeps drivers, credentials, regions and connection configs. Each write is an upsert and does not check
 * other records.
 */
export class Registry {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  driver(body: z.output<typeof driverSchema>): object {
    this.#world.drivers.set(body.DriverName, { provider: body.ProviderName });
    return body;
  }

  credential(body: z.output<typeof credentialSchema>): object {
    const mockName = body.KeyValueInfoList.find(({ Key }) => Key === 'MockName')?.Value ?? '';
    this.#world.credentials.set(body.CredentialName, { mockName });
    return {
      ...body,
      KeyValueInfoList: body.KeyValueInfoList.map(({ Key }) => ({ Key, Value: 'encrypted' })),
    };
  }

  region(body: z.output<typeof regionSchema>): object {
    const keyValue = (key: string) => body.KeyValueInfoList.find(({ Key }) => Key === key)?.Value ?? '';
    this.#world.regions.set(body.RegionName, { body, region: keyValue('Region'), zone: keyValue('Zone') });
    return body;
  }

  config({ ConfigName, ...rest }: z.output<typeof configSchema>): object {
    this.#world.configs.set(ConfigName, {
      provider: rest.ProviderName,
      driver: rest.DriverName,
      credential: rest.CredentialName,
      region: rest.RegionName,
    });
    return { ConfigName, ...rest };
  }

  readRegion(name: string): object {
    const known = this.#world.regions.get(name);
    if (!known) throw new Refusal(`${name}: does not exist!`);
    return known.body;
  }

  listConfigs(): object {
    return { connectionconfig: [...this.#world.configs.keys()].map((name) => this.readConfig(name)) };
  }

  readConfig(name: string): object {
    const known = this.#world.configs.get(name);
    if (!known) throw new Refusal(`${name}: does not exist!`);
    const { provider, driver, credential, region } = known;
    return {
      ConfigName: name,
      ProviderName: provider,
      DriverName: driver,
      CredentialName: credential,
      RegionName: region,
    };
  }

  regionZones(driver: string, credential: string): object {
    this.#world.accountOf(driver, credential);
    return { regionzone: REGION_ZONES };
  }

  regionZone(driver: string, credential: string, name: string): object {
    this.#world.accountOf(driver, credential);
    const known = regionZone(name);
    if (!known) throw new Refusal(`${name} Name does not exist!!`);
    return known;
  }
}
