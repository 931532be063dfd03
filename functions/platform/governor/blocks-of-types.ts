import { mayStop, type QuotaNeed } from './quotas.ts';
import { deniedOf, type SiteState, scopeOf } from './site-state.ts';

/** Returns true if something that a cloud refused for some launches, and not for others, stops launches at a site. */
export function hasBlocksOfTypes({ closed = {}, scarce = {}, denied = {} }: SiteState): boolean {
  return [closed, scarce, denied].some((blocks) => Object.keys(blocks).length > 0);
}

/**
 * Leaves out quotas, missing capacity and denials that concern none of these launches. Pure.
 *
 * @param needs what the launches need: one entry for each instance type
 */
export function withBlocksOf(state: SiteState, needs: readonly QuotaNeed[]): SiteState {
  const { closed = {}, scarce = {}, denied = {} } = state;
  const types = new Set(needs.map(({ instanceType }) => instanceType));
  const those = <Block>(
    blocks: Readonly<Record<string, Block>>,
    concerns: (key: string, block: Block) => boolean,
  ) => Object.fromEntries(Object.entries(blocks).filter(([key, block]) => concerns(key, block)));
  return {
    ...state,
    closed: those(closed, (_, entry) => needs.some((need) => mayStop(entry, need))),
    scarce: those(scarce, (key) => types.has(scopeOf(key).instanceType)),
    denied: those(denied, (key) => types.has(deniedOf(key).instanceType)),
  };
}
