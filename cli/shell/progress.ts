import type { Counts, Fleet } from '../../functions/model/fleet.ts';
import { plainText } from '../../functions/model/plain-text.ts';
import type { OutStream } from './context.ts';
import { failedOf } from './show.ts';
import { waitingLines } from './show-waiting.ts';

const REWRITE_EVERY_MS = 0;
const LINE_EVERY_MS = 5_000;
/** Length in ms of the period whose progress is used to estimate the remaining time. */
const PACE_WINDOW_MS = 60_000;
const BAR_CELLS = 24;
/** Maximum number of reasons in the block on a terminal. */
const MOST_WAITING = 3;

interface Sample {
  atMs: number;
  ended: number;
}

/**
 * The state of a fleet that a command waits for:
 *
 * - `up`: all instances run
 * - `settled`: launching has ended, with any result
 * - `refined`: failed instances are removed
 * - `gone`: nothing is left
 */
export type Goal = 'up' | 'settled' | 'refined' | 'gone';

const endedOf = (counts: Counts, goal: Goal): number =>
  goal === 'gone'
    ? (counts.Terminated ?? 0)
    : (counts.Running ?? 0) + (counts.Failed ?? 0) + (counts.Terminated ?? 0);

/**
 * Estimates the remaining time until `ended` reaches `requested`, in ms, from the progress in the last
 * minute. Returns undefined until `ended` is a tenth of `requested`, because progress cannot be measured
 * before the first boots are over.
 */
export function remainingMs(samples: readonly Sample[], requested: number): number | undefined {
  const last = samples.at(-1);
  const recent = samples.filter((sample) => last && sample.atMs >= last.atMs - PACE_WINDOW_MS);
  const first = recent.findLast(({ ended }) => ended === 0) ?? recent[0];
  if (!first || !last || last.ended < requested / 10 || last.ended <= first.ended || last.atMs <= first.atMs)
    return undefined;
  return ((requested - last.ended) * (last.atMs - first.atMs)) / (last.ended - first.ended);
}

/**
 * Shows a fleet's progress on a stream. On a terminal, rewrites a block of lines. On any other stream, prints
 * one line from time to time.
 */
export class ProgressPrinter {
  readonly #out: OutStream;
  readonly #goal: Goal;
  readonly #samples: Sample[] = [];
  readonly #failed = new Map<string, number>();
  #blockLines = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #toldStatus = '';

  constructor(out: OutStream, goal: Goal) {
    this.#out = out;
    this.#goal = goal;
  }

  show(fleet: Fleet, nowMs: number): void {
    this.#samples.push({ atMs: nowMs, ended: endedOf(fleet.counts, this.#goal) });
    while ((this.#samples[0]?.atMs ?? nowMs) < nowMs - PACE_WINDOW_MS) this.#samples.shift();
    const fresh = this.#goal === 'gone' ? [] : this.#newFailures(fleet);
    const terminal = this.#out.isTTY === true;
    const due = nowMs - this.#toldAtMs >= (terminal ? REWRITE_EVERY_MS : LINE_EVERY_MS);
    if (!due && fresh.length === 0 && fleet.status === this.#toldStatus) return;
    this.#toldAtMs = nowMs;
    this.#toldStatus = fleet.status;
    if (terminal) this.#rewrite(fresh, this.#block(fleet, nowMs));
    else for (const line of [...fresh, this.#line(fleet, nowMs)]) this.#out.write(`${line}\n`);
  }

  /**
   * Prints a line. On a terminal, the line replaces the block, and the next `show` prints the block below the
   * line.
   */
  note(line: string): void {
    const plain = plainText(line);
    if (this.#out.isTTY === true) this.#rewrite([plain], []);
    else this.#out.write(`${plain}\n`);
  }

  #newFailures(fleet: Fleet): string[] {
    return fleet.failures.flatMap(({ code, count, example }) => {
      const more = count - (this.#failed.get(code) ?? 0);
      this.#failed.set(code, count);
      return more > 0 ? [`failed: ${more} × ${code}: ${plainText(example)}`] : [];
    });
  }

  #rewrite(above: readonly string[], block: readonly string[]): void {
    const up = this.#blockLines > 0 ? `\u001b[${this.#blockLines}A\u001b[0J` : '';
    const width = Math.max(20, (this.#out.columns ?? 80) - 1);
    const lines = [...above, ...block.map((line) => line.slice(0, width))];
    this.#out.write(`${up}${lines.map((line) => `${line}\n`).join('')}`);
    this.#blockLines = block.length;
  }

  #line(fleet: Fleet, nowMs: number): string {
    const clouds = byCloud(fleet, this.#goal).map(
      ({ cloud, ended, requested }) => `${cloud} ${ended}/${requested}`,
    );
    const [first, ...others] = waitingLines(fleet.waiting ?? []);
    const more = others.length > 0 ? ` (and ${others.length} more: fleetwright fleet get ${fleet.name})` : '';
    const waits = first === undefined ? [] : [`${first}${more}`];
    return [this.#head(fleet, nowMs), ...clouds, ...waits].join('  ');
  }

  #block(fleet: Fleet, nowMs: number): string[] {
    const clouds = byCloud(fleet, this.#goal);
    const width = Math.max(0, ...clouds.map(({ cloud }) => cloud.length));
    return [
      this.#head(fleet, nowMs),
      ...clouds.map(({ cloud, ended, requested, failed }) => {
        const full = Math.floor((ended / Math.max(1, requested)) * BAR_CELLS);
        const bar = '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
        const counts = `${String(ended).padStart(5)} of ${requested}`;
        return `  ${cloud.padEnd(width)}  ${bar} ${counts}${failed > 0 ? `, ${failed} failed` : ''}`;
      }),
      ...waitingLines(fleet.waiting ?? [])
        .slice(0, MOST_WAITING)
        .map((line) => `  ${line}`),
    ];
  }

  #head(fleet: Fleet, nowMs: number): string {
    const { requested } = fleet.counts;
    const ended = endedOf(fleet.counts, this.#goal);
    const failed = failedOf(fleet);
    // While anything stands still, the progress of the last minute says nothing about the end.
    const isMoving = (fleet.waiting ?? []).length === 0;
    const left = isMoving && ended < requested ? remainingMs(this.#samples, requested) : undefined;
    const share =
      this.#goal === 'gone'
        ? `${ended} of ${requested} gone`
        : `${fleet.counts.Running ?? 0} of ${requested} running${failed > 0 ? `, ${failed} failed` : ''}`;
    return `${fleet.name}  ${fleet.status}  ${share}${left === undefined ? '' : `, ends about ${clockTime(nowMs + left)} (in ${span(left)})`}`;
  }
}

function byCloud(fleet: Fleet, goal: Goal) {
  const clouds = new Map<string, { ended: number; requested: number; failed: number }>();
  for (const { cloud, counts } of fleet.byLocation) {
    const sum = clouds.get(cloud) ?? { ended: 0, requested: 0, failed: 0 };
    sum.ended += goal === 'gone' ? endedOf(counts, goal) : (counts.Running ?? 0);
    sum.requested += counts.requested;
    sum.failed += counts.Failed ?? 0;
    clouds.set(cloud, sum);
  }
  return [...clouds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([cloud, sum]) => ({ cloud, ...sum }));
}

const clockTime = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`;

/** Formats a duration: `45 s`, `3 min 5 s`, `2 h 10 min` */
export function span(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
