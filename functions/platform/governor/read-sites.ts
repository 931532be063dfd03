import { readConsistently } from '../store/batch-read.ts';
import { type Key, loopKey } from '../store/keys.ts';
import { type Loop, type LoopRef, parseLoop } from '../store/loops.ts';
import type { Store } from '../store/store.ts';
import { createKey } from './site.ts';
import { type SiteState, siteStateSchema } from './site-state.ts';

/** What is stored about a site; a member is undefined if nothing is stored. */
export interface KnownSite {
  loop: Loop | undefined;
  state: SiteState | undefined;
}

/** Maximum number of sites of one read: DynamoDB reads at most 100 items at once, and a site has two. */
export const MOST_SITES = 50;

/**
 * Reads the poll loops of sites, and what the governor stores about creates there. One request reads all sites, because a
 * request for each item would make a view of a fleet slow.
 *
 * @param sites at most `MOST_SITES` different sites
 * @returns what is known about each site, in the order of `sites`
 */
export async function readSites(store: Store<'governor'>, sites: readonly LoopRef[]): Promise<KnownSite[]> {
  const keys = sites.map((site) => ({
    loop: loopKey(site.driver, site.connectionKey, site.location),
    state: createKey(site),
  }));
  const found = await readConsistently(
    store,
    store.tables.governor,
    keys.flatMap(({ loop, state }) => [loop, state]),
  );
  const items = new Map(found.map((item) => [`${item['pk']} ${item['sk']}`, item]));
  const itemOf = ({ pk, sk }: Key) => items.get(`${pk} ${sk}`);
  return keys.map((key) => {
    const [loop, state] = [itemOf(key.loop), itemOf(key.state)];
    return { loop: loop && parseLoop(loop), state: state && siteStateSchema.parse(state) };
  });
}
