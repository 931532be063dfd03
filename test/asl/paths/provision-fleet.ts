import { EXECUTION, FLEET_ID, withGiven } from '../../state-machines/assignment-builder.ts';
import type { Expected, Path, Started } from '../path.ts';
import { always, failure, inTurn, oneSite, twoClouds } from './surroundings.ts';

const machine = 'provision-fleet';
const running = { status: 'SUCCEEDED', output: { ...EXECUTION, status: 'Running' } } as const;
const once = { assign: 1, settle: 1, 'record-history': 1 };

export const child = (first: number, status = 'SUCCEEDED'): Started => ({
  machine: 'provision-location',
  name: `-1-${first}`,
  status,
});
const removalOf = (status = 'SUCCEEDED'): Started => ({ machine: 'terminate-fleet', name: '-2', status });
const launched: Expected = {
  outcome: running,
  messages: { 'prepare-networks': 1, launch: 3 },
  invocations: once,
  started: [child(0)],
};

/** Paths without an error of an AWS service. */
export const PROVISION_FLEET: readonly Path[] = [
  {
    id: 'fleet',
    title: 'a fleet at two clouds is provisioned, with a child execution for each location',
    machine,
    surround: () => ({ assignment: twoClouds() }),
    expected: {
      ...launched,
      messages: { 'prepare-networks': 4, launch: 8 },
      started: [child(0), child(2), child(4), child(6)],
    },
  },
  {
    id: 'many-children',
    title: 'a location with more positions than a child takes gets several children',
    machine,
    surround: () => {
      const { clouds } = oneSite(5);
      const sites = clouds.flatMap((cloud) => cloud.sites.map((site) => ({ ...site, perChild: 2 })));
      return { assignment: { ...EXECUTION, clouds: clouds.map((cloud) => ({ ...cloud, sites })) } };
    },
    expected: {
      ...launched,
      messages: { 'prepare-networks': 1, launch: 5 },
      started: [child(0), child(2), child(4)],
    },
  },
  {
    id: 'given',
    title: 'what a fleet names by the clouds’ own ids is verified at each site',
    machine,
    surround: () => ({ assignment: withGiven(twoClouds()) }),
    expected: {
      ...launched,
      messages: { 'verify-site': 4, 'prepare-networks': 4, launch: 8 },
      started: [child(0), child(2), child(4), child(6)],
    },
  },
  {
    id: 'given-unverified',
    title: 'a site that cannot be verified is left to the preparation of its network resources',
    machine,
    surround: () => ({
      assignment: withGiven(oneSite(3)),
      answer: always('verify-site', failure('Unavailable')),
    }),
    expected: { ...launched, messages: { 'verify-site': 5, 'prepare-networks': 1, launch: 3 } },
  },
  {
    id: 'superseded',
    title: 'an execution that a later one has replaced settles without launching',
    machine,
    surround: () => ({ assignment: { ...EXECUTION, clouds: [] } }),
    expected: { outcome: running, messages: {}, invocations: once, started: [] },
  },
  {
    id: 'fleet-failed',
    title: 'a fleet that ends Failed is a normal result of its execution',
    machine,
    surround: () => ({
      assignment: oneSite(3),
      answer: always('launch', failure('InsufficientCapacity')),
      functions: { settle: () => ({ status: 'Failed' }) },
    }),
    expected: { ...launched, outcome: { status: 'SUCCEEDED', output: { ...EXECUTION, status: 'Failed' } } },
  },
  ...(['fleet', 'failed'] as const).map(
    (scope): Path => ({
      id: scope === 'fleet' ? 'rollback' : 'refine',
      title: `a failure policy that requires a removal of scope \`${scope}\` starts it, and does not wait for its end`,
      machine,
      surround: () => {
        const removal = { fleetId: FLEET_ID, execution: 2, scope };
        return {
          assignment: oneSite(3),
          answer: inTurn('launch', failure('QuotaExceeded')),
          functions: { settle: () => ({ status: 'RollingBack', removal }) },
        };
      },
      expected: {
        outcome: { status: 'SUCCEEDED' },
        messages: { 'prepare-networks': 1, launch: 3, terminate: 1, 'remove-networks': 2 },
        invocations: { ...once, 'begin-termination': 1, 'finish-termination': 1 },
        started: [child(0), removalOf()],
      },
    }),
  ),
  ...['QuotaExceeded', 'InvalidRequest', 'Unsupported', 'Unauthorized', 'Forbidden'].map(
    (code): Path => ({
      id: `networks-${code.toLowerCase()}`,
      title: `network resources that fail as ${code} are not asked for again, and the launches are sent`,
      machine,
      surround: () => ({ assignment: oneSite(3), answer: always('prepare-networks', failure(code)) }),
      expected: launched,
    }),
  ),
  {
    id: 'networks-retried',
    title: 'network resources that fail as Conflict, or get no answer in time, are asked for again',
    machine,
    repeatsTasks: true,
    surround: () => ({
      assignment: oneSite(3),
      answer: inTurn('prepare-networks', failure('Conflict'), undefined),
    }),
    expected: { ...launched, messages: { 'prepare-networks': 3, launch: 3 } },
  },
  {
    id: 'networks-abandoned',
    title: 'a location is skipped if the fleet launches no more instances',
    machine,
    surround: () => ({
      assignment: oneSite(3),
      answer: always('prepare-networks', failure('LaunchAbandoned')),
    }),
    expected: { outcome: running, messages: { 'prepare-networks': 1 }, invocations: once, started: [] },
  },
];
