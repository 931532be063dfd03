import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { SiteState } from '../../platform/governor/site-state.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { Finding } from './compare.ts';
import type { Picked } from './pick.ts';
import type { Snapshot } from './snapshot.ts';

/** One poll of one site: what every phase works with. */
export interface Poll {
  context: WorkerContext;
  site: SiteRef;
  opened: OpenConnection;
  /** The loop as this poll took it. */
  loop: Loop;
}

export interface Found {
  record: InstanceItem;
  finding: Finding;
}

/** What a poll knows once it has observed: the cloud's answers, and the records and slots beside them. */
export interface Observed {
  snapshot: Snapshot;
  /** What the governor knew of the site before the records were read. */
  state: SiteState | undefined;
  /** All holders of slots, by when they got their permit. */
  holders: Holders;
  /** What the cloud shows, by instance id. */
  machines: ReadonlyMap<string, readonly CloudInstance[]>;
  picked: Picked;
  /** Of all that was picked, wherever they are by now. */
  records: ReadonlyMap<string, InstanceItem>;
  /** What is to be done about each record of this site, by the list and by what was asked for by itself. */
  found: readonly Found[];
  /** Ids of records whose attempt fails here, and may go on elsewhere. */
  movable: ReadonlySet<string>;
}
