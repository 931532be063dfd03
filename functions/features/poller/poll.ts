import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { SiteState } from '../../platform/governor/site-state.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { Finding } from './finding.ts';
import type { Picked } from './pick.ts';
import type { Snapshot } from './snapshot.ts';

/** Input of every phase of a poll: the site, its connection and its loop. */
export interface Poll {
  context: WorkerContext;
  site: SiteRef;
  opened: OpenConnection;
  /** The stored state of the site's poll loop, read when this poll began. */
  loop: Loop;
}

export interface Found {
  record: InstanceItem;
  finding: Finding;
}

/** Result of the observe phase: the cloud's answers, and the records and slots to compare with them. */
export interface Observed {
  snapshot: Snapshot;
  /** The governor's state of the site, read before the records. */
  state: SiteState | undefined;
  /** The instance ids of all slot holders, with the start time of each permit. */
  holders: Holders;
  /** Machines that the cloud shows, by instance id. */
  machines: ReadonlyMap<string, readonly CloudInstance[]>;
  picked: Picked;
  /** All records that the poll has read, including records that have moved to another site. */
  records: ReadonlyMap<string, InstanceItem>;
  /** The finding for each record of this site, from the list and from calls about single machines. */
  found: readonly Found[];
  /** Ids of records whose attempt fails at this site, and whose fleet has a further location to try. */
  movable: ReadonlySet<string>;
}
