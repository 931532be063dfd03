import { REPORT, type Step } from './step.ts';

const npm = (name: string, ...args: string[]): string[] => ['npm', 'run', '--silent', name, '--', ...args];
const tests = (name: string, command: string[]): Step => ({
  name,
  command: [...command, ...REPORT],
  hasReport: true,
});
const program = (name: string, command: string[]): Step => ({ name, command, hasReport: false });
const contractOf = (driver: string): Step =>
  program(`contract of ${driver}`, npm('test:contract', '--driver', driver, '--json'));

/** Steps of a lane run one after the other, lanes of a stage run concurrently, and stages run one after the other. */
export type Stage = readonly (readonly Step[])[];

/** The steps for each change. They take at most 30 minutes on two busy cores. */
export const CHANGE: readonly Stage[] = [
  [[program('check', npm('check'))]],
  [[tests('test', ['npm', 'test', '--silent', '--'])]],
  [
    // Both lanes wait for clouds most of the time. Therefore they run concurrently. They take about the same time.
    [
      tests('disasters', npm('disasters')),
      contractOf('sim'),
      contractOf('cb-spider'),
      tests('moto', npm('test:moto')),
      program('state machines on moto', npm('test:asl', '--json')),
    ],
    [
      program('contract of openstack', npm('test:openstack', '--json')),
      contractOf('aws'),
      program(
        'security',
        npm('test:security', '--requests', '2000', '--races', '20', '--spellings', '1', '--json'),
      ),
    ],
  ],
  [
    [
      program('demo', npm('demo', '--scale', '0.1', '--json')),
      program('local down', npm('fleetwright', 'local', 'down', '--purge')),
    ],
  ],
];

/** The parts of the step `test`, for CI jobs that run concurrently. `.ci/run` runs a part only if `--only` names it. */
export const PARTS_OF_TEST: Stage = [
  [tests('unit', npm('test:unit'))],
  [tests('stories', npm('test:stories'))],
  [tests('engine', npm('test:engine'))],
];

/** The steps that take too long to run for each change. */
export const NIGHTLY: readonly Stage[] = [
  [[program('field', npm('test:field', '--json'))]],
  [[tests('removal', npm('test:removal'))]],
  [[program('races', npm('test:races', '--json'))]],
  [[program('canaries', npm('test:canaries', '--json'))]],
  [[program('security', npm('test:security', '--json'))]],
  [[program('chaos', npm('chaos', '--seeds', '2000', '--json'))]],
  [[program('chaos with mutants', npm('chaos', '--mutate', '--json'))]],
  [[program('demo', npm('demo', '--json'))]],
  [
    [
      program(
        'demo with faults',
        npm('demo', '--scale', '0.2', '--faults', 'heavy', '--policy', 'rollback', '--json'),
      ),
    ],
  ],
];
