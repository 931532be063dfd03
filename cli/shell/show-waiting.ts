import { plainText } from '../../functions/model/plain-text.ts';
import type { Stuck, Waiting } from '../../functions/model/stuck.ts';
import { table } from './table.ts';

/** Returns a table of the reasons why a fleet or an instance makes no progress. */
export function waitingText(waiting: readonly Waiting[]): string {
  return table(
    ['waits for', 'at', 'instances', 'since', 'tries', 'next try', 'message'],
    waiting.map((one) => [
      one.why,
      placeOf(one),
      one.instances,
      one.since,
      one.tries,
      one.nextTryAt,
      wordsOf(one),
    ]),
  );
}

/** Returns one line for each reason, for the progress of a command that waits. */
export function waitingLines(waiting: readonly Waiting[]): string[] {
  return waiting.map((one) => {
    const since = one.since === undefined ? '' : ` since ${clockTime(one.since)}`;
    const tries = one.tries === undefined ? '' : `, ${one.tries} tries`;
    const next = one.nextTryAt === undefined ? '' : `, next try ${clockTime(one.nextTryAt)}`;
    return `waits for ${one.why} at ${placeOf(one)}${since}${tries}${next}: ${wordsOf(one)}`;
  });
}

/** Returns the failed tries of one step as text: `Conflict: <message> (3 tries since …, next try …)`. */
export function stuckText({ code, message, since, tries, nextTryAt }: Stuck): string {
  const next = nextTryAt === undefined ? '' : `, next try ${nextTryAt}`;
  return `${code}: ${message} (${tries} tries since ${since}${next})`;
}

const placeOf = ({ connection, location }: Waiting): string =>
  location === undefined ? connection : `${connection}/${location}`;

function wordsOf({ code, message, resource }: Waiting): string {
  const what = resource === undefined ? '' : `${resource.kind} ${resource.name}: `;
  return plainText(`${what}${code}: ${message}`);
}

const clockTime = (iso: string): string => `${iso.slice(11, 19)} UTC`;
