import type { DriverError } from '../../drivers/contract/errors.ts';
import type { Location } from '../../model/cloud.ts';
import { isoTime } from '../../platform/runtime/clock.ts';

/** Delay after which a denied location is asked again, in ms. It is the longest delay of a message. */
const ASK_AGAIN_MS = 15 * 60_000;
/** After this number of further questions, the location is asked by the next scheduled sync. */
const MOST_QUESTIONS = 4;

/** Returns the delay of the next question about denied locations, in ms; undefined: the next scheduled sync asks. */
export function askAgainMs(questions: number): number | undefined {
  return questions < MOST_QUESTIONS ? ASK_AGAIN_MS : undefined;
}

export interface Question {
  nowMs: number;
  /** Number of questions since the last scheduled sync. */
  questions: number;
  /** Interval of scheduled syncs. */
  inventoryPollMinutes: number;
}

/** Returns a location that the cloud denies, with the cloud's words and the time at which it is asked again. */
export function deniedLocation(
  location: Location,
  { code, message }: { code: string; message: string },
  { nowMs, questions, inventoryPollMinutes }: Question,
): Location {
  const askedAgainMs = askAgainMs(questions) ?? inventoryPollMinutes * 60_000;
  return {
    ...location,
    available: false,
    unavailable: {
      code,
      message,
      since: location.unavailable?.since ?? isoTime(nowMs),
      askedAgainAt: isoTime(nowMs + askedAgainMs),
    },
  };
}

/**
 * Returns the locations as the catalogue shall keep them. A location whose offers the cloud denied stays unavailable
 * until its offers can be read, even if the cloud lists it.
 */
export function mergeLocations(
  listed: readonly Location[],
  known: readonly Location[],
  question: Question,
): Location[] {
  const byName = new Map(known.map((location) => [location.name, location]));
  return listed.map((location) => {
    const since = byName.get(location.name)?.unavailable;
    if (location.unavailable) {
      const earlier = since ? { ...location, unavailable: since } : withoutDenial(location);
      return deniedLocation(earlier, location.unavailable, question);
    }
    if (!location.available || !since) return location;
    return deniedLocation({ ...location, unavailable: since }, since, question);
  });
}

/** Returns the location as one that can be used. */
export function allowedLocation(location: Location): Location {
  return { ...withoutDenial(location), available: true };
}

function withoutDenial({ unavailable: _over, ...location }: Location): Location {
  return location;
}

/** Returns the words of a denial. */
export const denialOf = ({
  code,
  cloudCode = code,
  message,
}: DriverError): { code: string; message: string } => ({
  code: cloudCode,
  message,
});
