import type { DriverName } from '../../../functions/model/connection.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';
import { type AllWorlds, type Behind, behind } from './behind.ts';
import type { FieldCase } from './case.ts';
import { type Field, type FieldOptions, inField } from './field.ts';
import { SITES, type Site } from './sites.ts';

export const EVERY_DRIVER = ['sim', 'aws', 'openstack', 'cb-spider'] as const satisfies readonly DriverName[];

/** What a case works with, and the site and the cloud of one driver. */
export interface AtDriver extends Field<AllWorlds> {
  driver: DriverName;
  site: Site;
  cloud: Behind;
}

export const allWorlds: FieldOptions<AllWorlds>['worlds'] = (ground) => ({
  aws: new Ec2World(),
  openstack: new OpenStackWorld(),
  'cb-spider': new SpiderWorld(ground),
});

export interface DriverCase {
  id: string;
  /** The title without the name of the driver, which is appended. */
  title: string;
  options?: Partial<FieldOptions<AllWorlds>>;
  play(at: AtDriver): Promise<void>;
}

/** Returns one case for each driver. */
export function atEveryDriver({ id, title, options, play }: DriverCase): FieldCase[] {
  return EVERY_DRIVER.map((driver) => ({
    id: `${id}-${driver}`,
    title: `${title} (driver ${driver})`,
    play: () =>
      inField({ worlds: allWorlds, ...options }, (field) =>
        play({ ...field, driver, site: SITES[driver], cloud: behind(driver, field) }),
      ),
  }));
}
