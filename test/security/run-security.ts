import { runCanaries } from '../canaries/run-canaries.ts';
import { SPELLINGS } from '../canaries/spellings.ts';
import { Random } from '../chaos/time/random.ts';
import { PAIRS } from '../races/moves.ts';
import { playRace } from '../races/play.ts';
import { checkAccess } from './access.ts';
import { fuzz } from './fuzz.ts';
import { raceRevocations } from './key-races.ts';

export interface SecurityOptions {
  /** Minimum number of random requests. */
  requests: number;
  /** Number of accepted random requests of each operation. */
  successes: number;
  /** Number of races of pairs of operations; each has another pair, as long as there are pairs. */
  races: number;
  /** Number of spellings in which clouds repeat secrets. */
  spellings: number;
  seed: number;
  onProgress: (line: string) => void;
}

export interface SecurityReport {
  routes: number;
  roleCases: number;
  unexpectedAllows: number;
  unexpectedDenies: number;
  planted: number;
  plantedFound: number;
  races: number;
  raceViolations: number;
  secretsFound: number;
  fuzzRequests: number;
  minSuccessesPerOperation: number;
  serverErrors: number;
  schemaViolations: number;
}

const PROGRESS_EACH = 50;
const REVOCATIONS = 200;

/** Runs all parts, and tells the findings as they come. */
export async function runSecurity(
  options: SecurityOptions,
): Promise<{ report: SecurityReport; passed: boolean }> {
  const { requests, successes, spellings, seed, onProgress: say } = options;
  const access = await checkAccess();
  tell(say, 'access matrix', [...access.unexpectedAllows, ...access.unexpectedDenies]);
  say(
    `access matrix: ${access.roleCases} cases, ${access.plantedFound} of ${access.planted} open routes found`,
  );
  const races = await playRaces(options);
  tell(say, 'races', races.violations);
  const canaries = await runCanaries({ spellings: SPELLINGS.slice(0, spellings), seed, onRun: say });
  const leaks = canaries.findings.map(({ driver, place, text }) => `${driver}, in ${place}: ${text}`);
  tell(say, 'canaries', leaks);
  const fuzzed = await fuzz({ requests, successes, seed, onRoute: say });
  tell(say, 'fuzz', [...fuzzed.serverErrors, ...fuzzed.violations, ...fuzzed.secrets]);
  const report: SecurityReport = {
    routes: access.routes,
    roleCases: access.roleCases,
    unexpectedAllows: access.unexpectedAllows.length,
    unexpectedDenies: access.unexpectedDenies.length,
    planted: access.planted,
    plantedFound: access.plantedFound,
    races: races.count,
    raceViolations: races.violations.length,
    secretsFound: canaries.found + fuzzed.secrets.length,
    fuzzRequests: fuzzed.requests,
    minSuccessesPerOperation: fuzzed.minSuccesses,
    serverErrors: fuzzed.serverErrors.length,
    schemaViolations: fuzzed.violations.length,
  };
  const passed = isClean(report, successes) && canaries.plantedFound === canaries.planted;
  return { report, passed };
}

function isClean(report: SecurityReport, successes: number): boolean {
  const { unexpectedAllows, unexpectedDenies, raceViolations, secretsFound, serverErrors, schemaViolations } =
    report;
  const findings =
    unexpectedAllows + unexpectedDenies + raceViolations + secretsFound + serverErrors + schemaViolations;
  return (
    findings === 0 && report.plantedFound === report.planted && report.minSuccessesPerOperation >= successes
  );
}

async function playRaces({ races, seed, onProgress: say }: SecurityOptions) {
  const random = new Random(seed, 'races');
  const violations = await raceRevocations(REVOCATIONS, () => random.next());
  say(`${REVOCATIONS} revocations of keys in use: ${violations.length} violations`);
  // A step that shares no divisor with the number of pairs visits each pair once before it repeats one.
  const step = stepThrough(PAIRS.length);
  for (let at = 0; at < races; at += 1) {
    const pair = PAIRS[(at * step) % PAIRS.length];
    if (!pair) throw new Error('there are no pairs of operations');
    const result = await playRace(pair, seed + Math.floor(at / PAIRS.length));
    violations.push(...result.violations.map((text) => `${result.pair}, seed ${result.seed}: ${text}`));
    if ((at + 1) % PROGRESS_EACH === 0) say(`${at + 1} of ${races} races, ${violations.length} violations`);
  }
  return { count: races + REVOCATIONS, violations };
}

function stepThrough(count: number): number {
  const divisor = (one: number, other: number): number => (other === 0 ? one : divisor(other, one % other));
  let step = Math.max(1, Math.floor(count * 0.382));
  while (divisor(step, count) !== 1) step += 1;
  return step;
}

function tell(say: (line: string) => void, part: string, findings: readonly string[]): void {
  for (const text of findings.slice(0, 20)) say(`FOUND by ${part}: ${text}`);
  if (findings.length > 20) say(`FOUND by ${part}: and ${findings.length - 20} more`);
}
