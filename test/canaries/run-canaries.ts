import type { Driver } from '../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../functions/drivers/contract/errors.ts';
import { DRIVER_NAMES, type DriverName } from '../../functions/model/connection.ts';
import type { Canaries } from './accounts.ts';
import { type CanaryWorld, inCanaryWorld } from './canary-world.ts';
import { CanaryFinder } from './find-canary.ts';
import { SPELLINGS, type Spelling } from './spellings.ts';
import { tellAll } from './story.ts';

export interface Finding {
  driver: DriverName;
  spelling: string;
  place: string;
  /** The part of a canary that `text` contains. */
  stretch: string;
  text: string;
}

export interface CanaryReport {
  /** Number of secrets in credentials, including tokens that the endpoint issued for the credentials. */
  canaries: number;
  spellings: number;
  /**
   * Number of places that were searched: API answers, logs, events, each table, messages, workflow histories.
   */
  places: number;
  /** Number of answers that repeated a request. */
  echoes: number;
  /** Number of texts that were searched. */
  texts: number;
  /** Number of findings. */
  found: number;
  findings: Finding[];
  /** Number of leaks that the test makes on purpose. */
  planted: number;
  /** Number of planted leaks that were found. */
  plantedFound: number;
}

export interface RunOptions {
  drivers?: readonly DriverName[];
  spellings?: readonly Spelling[];
  seed?: number;
  onRun?: (line: string) => void;
}

/**
 * Runs each driver against a cloud endpoint that repeats requests in its answers. There is one run for each
 * spelling (way of writing a repeated secret).
 *
 * @throws Error if an endpoint never repeated a request in an answer: the run would then prove nothing
 */
export async function runCanaries(options: RunOptions = {}): Promise<CanaryReport> {
  const { drivers = DRIVER_NAMES, spellings = SPELLINGS, seed = 1, onRun = () => {} } = options;
  const findings: Finding[] = [];
  const places = new Set<string>();
  let [canaries, echoes, texts] = [0, 0, 0];
  for (const driver of drivers) {
    for (const [at, spelling] of spellings.entries()) {
      const startMs = performance.now();
      const world = await inCanaryWorld({ driver, spelling, seed: seed + at }, tellAll);
      if (world.echo.echoes === 0)
        throw new Error(
          `${driver}: the endpoint never repeated a request in an answer, so the run proves nothing`,
        );
      const found = findingsIn(world, spelling);
      findings.push(...found);
      canaries += world.canaries.all.length;
      echoes += world.echo.echoes;
      for (const [place, all] of world.places.texts) {
        places.add(place);
        texts += all.size;
      }
      const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
      onRun(`${driver}, ${spelling.name}: ${world.echo.echoes} echoes, ${found.length} found (${seconds} s)`);
    }
  }
  const planted = await plantLeaks(seed);
  return {
    canaries,
    spellings: spellings.length,
    places: places.size,
    echoes,
    texts,
    found: findings.length,
    findings,
    planted: planted.length,
    plantedFound: planted.filter((count) => count > 0).length,
  };
}

function findingsIn({ driver, canaries, places }: CanaryWorld, { name: spelling }: Spelling): Finding[] {
  const finder = new CanaryFinder(canaries.all);
  return [...places.texts].flatMap(([place, texts]) =>
    [...texts].flatMap((text): Finding[] => {
      const stretch = finder.find(text);
      return stretch === undefined ? [] : [{ driver, spelling, place, stretch, text: text.slice(0, 2_000) }];
    }),
  );
}

type Leak = (driver: Driver, canaries: Canaries) => Driver;

/** Leaks the credential in a driver's errors, in base64. */
const inErrors: Leak = (driver, canaries) =>
  changing(driver, undefined, (error) => {
    if (!(error instanceof DriverError)) return error;
    const leaked = Buffer.from(`Bearer ${canaries.all[0]}`).toString('base64');
    return new DriverError(error.code, `${error.message.slice(0, 100)} ${leaked}`);
  });

/** Leaks the credential in the failure messages of machines, escaped for a URL. */
const inAnswers: Leak = (driver, canaries) =>
  changing(
    driver,
    (answer) =>
      Array.isArray(answer) ? answer.map((one: unknown) => blamed(one, canaries.all[0] ?? '')) : answer,
    undefined,
  );

function blamed(machine: unknown, secret: string): unknown {
  return typeof machine === 'object' && machine !== null && 'failureMessage' in machine
    ? { ...machine, failureMessage: `bad key ${encodeURIComponent(secret)}` }
    : machine;
}

/** Runs driver sim once with each planted leak. @returns the number of findings for each leak */
async function plantLeaks(seed: number): Promise<number[]> {
  const spelling: Spelling = { name: 'nothing', spell: () => '' };
  const counts: number[] = [];
  for (const leak of [inErrors, inAnswers]) {
    const world = await inCanaryWorld({ driver: 'sim', spelling, seed, leak }, tellAll);
    counts.push(findingsIn(world, spelling).length);
  }
  return counts;
}

/**
 * Returns a driver whose answers and errors `answers` and `errors` change, after the driver has removed
 * secrets from them.
 */
function changing(
  driver: Driver,
  answers: ((answer: unknown) => unknown) | undefined,
  errors: ((error: unknown) => unknown) | undefined,
): Driver {
  return {
    ...driver,
    connect: (options) =>
      new Proxy(driver.connect(options), {
        get(client, name) {
          const member: unknown = Reflect.get(client, name);
          if (typeof member !== 'function') return member;
          return async (...args: unknown[]) => {
            try {
              const answer: unknown = await Reflect.apply(member, client, args);
              return answers ? answers(answer) : answer;
            } catch (error) {
              throw errors ? errors(error) : error;
            }
          };
        },
      }),
  };
}
