import fc from 'fast-check';
import type { LimitProfile } from '../../../../functions/model/limit-profile.ts';
import {
  type BudgetState,
  type Demand,
  UNTOUCHED_BUDGET,
} from '../../../../functions/platform/governor/budget-state.ts';
import { countUsage, giveBack, takeFrom } from '../../../../functions/platform/governor/budgets.ts';

const MINUTE = 60_000;
/** Time in ms after which a launch that got budget and was not claimed counts as `gone`. */
const CLAIMED_WITHIN = MINUTE;
/** Time in ms after which a site is polled again. */
const POLL_EVERY = MINUTE;
const SITES = ['east', 'west'];

export type Limits = Pick<LimitProfile, 'createsPerMinute' | 'createsPerDay' | 'totals'>;

interface Launch extends Demand {
  location: string;
  takenAtMs: number;
  status: 'taken' | 'live' | 'gone';
}

export type Step =
  | { do: 'take'; location: string; count: number; vcpus: number }
  | { do: 'repeat' | 'claim' | 'end' | 'give back'; which: number; location: string }
  | { do: 'begin poll'; location: string }
  | { do: 'end poll'; which: number }
  | { do: 'pass'; ms: number };

const location = fc.constantFrom(...SITES);
const which = fc.nat(30);
/** Pauses in ms: at most 1.5 s, or close to half a minute or a minute. */
const pause = fc.oneof(
  fc.integer({ min: 1, max: 1_500 }),
  fc.constantFrom(29_000, 30_000, 58_500, 59_000, 59_999),
);
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('take' as const),
        location,
        count: fc.integer({ min: 1, max: 3 }),
        vcpus: fc.integer({ min: 1, max: 4 }),
      }),
    },
    {
      weight: 7,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'repeat' as const,
          'claim' as const,
          'claim' as const,
          'end' as const,
          'give back' as const,
        ),
        which,
        location,
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('begin poll' as const), location }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('end poll' as const), which }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('pass' as const), ms: pause }),
    },
  ),
  { maxLength: 100, size: 'max' },
);

/**
 * Simulates launches and polls that use the budget of one connection, in any order. Keeps its own list of the instances
 * that exist, so that a test can check the counts of the budget.
 */
export class BudgetWorld {
  readonly launches: Launch[] = [];
  state: BudgetState = UNTOUCHED_BUDGET;
  nowMs = Date.parse('2026-01-01T23:50:00Z');
  readonly #limits: Limits;
  readonly #polls: { location: string; live: Demand[]; readAtMs: number }[] = [];
  readonly #polledAtMs = new Map<string, number>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Times of the creates that were permitted, in ms. */
  readonly creates: number[] = [];

  step(step: Step): void {
    if (step.do === 'take') this.#take(step.location, step.count, step.vcpus);
    else if (step.do === 'begin poll') this.#beginPoll(step.location);
    else if (step.do === 'end poll') this.#endPoll(step.which);
    else if (step.do === 'pass') this.pass(step.ms);
    else {
      const pool = this.launches.filter(({ status }) => status === (step.do === 'end' ? 'live' : 'taken'));
      const one = pool[step.which % pool.length];
      if (!one) return;
      if (step.do === 'repeat') this.#repeat(one, step.location);
      else if (step.do === 'claim') one.status = 'live';
      else one.status = 'gone';
      if (step.do === 'give back') this.state = giveBack(this.state, [one.instanceId]);
    }
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const one of this.launches) {
      if (one.status === 'taken' && one.takenAtMs + CLAIMED_WITHIN <= this.nowMs) one.status = 'gone';
    }
    for (const site of SITES) {
      if ((this.#polledAtMs.get(site) ?? 0) + POLL_EVERY > this.nowMs) continue;
      this.#beginPoll(site);
      this.#endPoll(this.#polls.length - 1);
    }
  }

  /** Returns the launches whose instances exist or may still be created. */
  present(): Demand[] {
    return this.launches.filter(({ status }) => status !== 'gone');
  }

  #take(location: string, count: number, vcpus: number): void {
    const from = this.launches.length;
    const wanted = Array.from({ length: count }, (_, at) => ({
      instanceId: `i${from + at}`,
      vcpus,
      gpus: vcpus % 2,
      memoryGb: vcpus * 0.7,
    }));
    const { state, answer } = takeFrom(this.state, this.#limits, location, wanted, this.nowMs);
    this.state = state;
    for (const demand of wanted.filter(({ instanceId }) => answer.taken.includes(instanceId))) {
      this.launches.push({ ...demand, location, takenAtMs: this.nowMs, status: 'taken' });
      this.creates.push(this.nowMs);
    }
  }

  /** Delivers a launch's message again, at any site. The launch keeps its budget and takes no more. */
  #repeat(one: Launch, location: string): void {
    const { state, answer } = takeFrom(this.state, this.#limits, location, [one], this.nowMs);
    if (!answer.taken.includes(one.instanceId))
      throw new Error('a launch that already has budget was refused');
    this.state = state;
    one.location = location;
    one.takenAtMs = this.nowMs;
  }

  #beginPoll(location: string): void {
    const live = this.launches.filter((one) => one.status === 'live' && one.location === location);
    this.#polls.push({ location, live, readAtMs: this.nowMs });
  }

  #endPoll(at: number): void {
    if (this.#polls.length === 0) return;
    const [poll] = this.#polls.splice(at % this.#polls.length, 1);
    if (!poll) return;
    this.state = countUsage(this.state, poll.location, poll.live, poll.readAtMs, this.nowMs) ?? this.state;
    // The time is set when the poll ends, because a poll that does not end counts no usage.
    const polledAtMs = this.#polledAtMs.get(poll.location) ?? 0;
    this.#polledAtMs.set(poll.location, Math.max(polledAtMs, poll.readAtMs));
  }
}
