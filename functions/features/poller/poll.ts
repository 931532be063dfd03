import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { SiteState } from '../../platform/governor/site-state.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { Finding } from './compare.ts';
import type { Picked } from './pick.ts';
import type { Snapshot } from './snapshot.ts';

/** One poll of one site: the input of every phase. */
export interface Poll {
  context: WorkerContext;
  site: SiteRef;
  opened: OpenConnection;
  /** The loop's item as this poll took it. */
  loop: Loop;
}

export interface Found {
  record: InstanceItem;
  finding: Finding;
}

/** The result of the observe phase: the cloud's answers, with the records and slots to compare them with. */
export interface Observed {
  snapshot: Snapshot;
  /** The governor's state of the site, read before the records. */
  state: SiteState | undefined;
  /** All slot holders, with the time of each permit. */
  holders: Holders;
  /** Machines that the cloud shows, by instance id. */
  machines: ReadonlyMap<string, readonly CloudInstance[]>;
  picked: Picked;
  /** All records that were picked, including those that have moved to another site. */
  records: ReadonlyMap<string, InstanceItem>;
  /** The finding for each record of this site, from the list and from calls about single machines. */
  found: readonly Found[];
  /** Ids of records whose attempt fails here, and whose fleet may try another location. */
  movable: ReadonlySet<string>;
}
