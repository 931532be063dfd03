import { Refusal } from './refusals.ts';
import type { Target, World } from './world.ts';

const MOST_NOTES = 100;

/**
 * Lists an account's notes. A note is a short text that costs nothing and that every credential of the account can
 * read.
 */
export function listNotes({ state }: World, { site }: Target, prefix: string) {
  const items = [...state.notes.values()]
    .filter(({ cloud, account }) => cloud === site.key.cloud && account === site.key.account)
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name, value }) => ({ name, value }));
  return { items };
}

/** Stores a note. @throws Refusal */
export function putNote(world: World, { site }: Target, name: string, value: string): void {
  const { cloud, account } = site.key;
  const own = [...world.state.notes.values()].filter((one) => one.cloud === cloud && one.account === account);
  if (own.length >= MOST_NOTES && !own.some((one) => one.name === name))
    throw new Refusal('QuotaExceeded', `an account can have at most ${MOST_NOTES} notes`);
  world.commit({ kind: 'note', cloud, account, name, value });
}

export function deleteNote(world: World, { site }: Target, name: string): void {
  world.commit({ kind: 'note', cloud: site.key.cloud, account: site.key.account, name });
}

/** Checks that the account's credential has the right to notes. @throws Refusal AccessDenied */
export function refuseWithoutRight({ state }: World, { site }: Target): void {
  const { account } = site.key;
  if (!state.accounts.get(account)?.deniesNotes) return;
  throw new Refusal('AccessDenied', `the credential of ${account} has no right to notes`);
}
