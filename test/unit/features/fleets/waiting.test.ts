import { describe, expect, it } from 'vitest';
import { type SiteFacts, waitingOf } from '../../../../functions/features/fleets/waiting.ts';
import type { Connection } from '../../../../functions/model/connection.ts';
import type { FleetItem } from '../../../../functions/platform/store/fleets.ts';
import type { NetworkItem } from '../../../../functions/platform/store/networks.ts';
import type { PlacementItem } from '../../../../functions/platform/store/placements.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
const SITE = { connectionKey: 'sim/default/cloud', location: 'east' };
const since = '2026-01-01T11:00:00.000Z';
const SINCE_MS = Date.parse(since);

const fleet = (fields: Partial<FleetItem> = {}): FleetItem => ({
  fleetId: 'f1kdvdnc4jyfcbym5',
  namespace: 'default',
  name: 'web',
  labels: {},
  status: 'Creating',
  failurePolicy: 'continue',
  requested: 10,
  connections: ['cloud'],
  round: 1,
  work: 'provision',
  execution: 1,
  workSinceMs: 0,
  interruptions: 0,
  createdAt: since,
  ...fields,
});
const placement = (fields: Partial<PlacementItem> = {}): PlacementItem => ({
  fleetId: 'f1kdvdnc4jyfcbym5',
  connection: 'cloud',
  ...SITE,
  driver: 'sim',
  cloud: 'aws',
  first: 0,
  requested: 10,
  launching: 'on',
  round: 1,
  counts: { Running: 4, Creating: 2 },
  groups: {},
  failureCounts: {},
  failureExamples: {},
  unpricedGroups: [],
  unpricedDisks: {},
  microUsdPerHour: 0,
  microUsdSeconds: 0,
  ...fields,
});
const connection = (fields: Partial<Connection> = {}): Connection => ({
  namespace: 'default',
  name: 'cloud',
  id: 'c0000000000000000',
  driver: 'sim',
  cloud: 'aws',
  status: 'Ready',
  createdAt: since,
  ...fields,
});
const site = (fields: Partial<SiteFacts> = {}): SiteFacts => ({
  placement: placement(),
  connection: connection(),
  blind: undefined,
  blocks: [],
  ...fields,
});
const waiting = (sites: SiteFacts[], of = fleet(), networks: NetworkItem[] = []) =>
  waitingOf({ fleet: of, sites, networks, memberships: [], leaving: [], nowMs: NOW_MS });

describe('waitingOf', () => {
  it('a fleet without obstacles waits for nothing', () => {
    expect(waiting([site()])).toEqual([]);
  });

  it('a refused credential is one reason for all sites of the connection, and hides their other reasons', () => {
    const failure = { code: 'Unauthorized', message: 'Could not find Application Credential' };
    const failed = connection({ status: 'Failed', failure, failedAt: since });
    const blind = { ...failure, sinceMs: SINCE_MS };
    expect(waiting([site({ connection: failed, blind }), site({ connection: failed })])).toEqual([
      { why: 'connection', connection: 'cloud', ...failure, since, instances: 12 },
    ]);
  });

  it('a cloud that shows nothing for ten seconds is a reason, a single failed list is not', () => {
    const failure = { code: 'Unavailable', message: 'no answer' };
    const blind = (sinceMs: number) => site({ blind: { ...failure, sinceMs } });
    expect(waiting([blind(NOW_MS - 9_000)])).toEqual([]);
    expect(waiting([blind(SINCE_MS)])).toEqual([
      { why: 'unreachable', connection: 'cloud', location: 'east', ...failure, since, instances: 2 },
    ]);
  });

  it('a used-up quota is a reason while launches of the fleet wait at the site', () => {
    const message = 'You have requested more vCPU capacity';
    const quota = {
      why: 'quota',
      of: 'family',
      family: 'm6i',
      message,
      sinceAt: since,
      retryAt: since,
    } as const;
    expect(waiting([site({ blocks: [quota] })])).toMatchObject([{ why: 'quota', message, instances: 4 }]);
    const allClaimed = placement({ counts: { Running: 10 } });
    expect(waiting([site({ placement: allClaimed, blocks: [quota] })])).toEqual([]);
  });

  it('a reason that only paces launches is left out', () => {
    const blocks = [{ why: 'slots', taken: 20, of: 20 } as const, { why: 'first-instance' } as const];
    expect(waiting([site({ blocks })])).toEqual([]);
  });

  it('a stuck removal names an instance, and counts no more instances than are in Terminating', () => {
    const stuck = { code: 'InvalidRequest', message: 'protected', sinceMs: SINCE_MS, tries: 7, triedAtMs: 1 };
    const going = fleet({ status: 'Terminating', work: 'remove' });
    const at = (counts: PlacementItem['counts']) =>
      site({ placement: placement({ counts, stuck: { ...stuck, instances: 5, instanceId: 'i' } }) });
    expect(waiting([at({ Terminating: 2 })], going)).toMatchObject([
      { why: 'removal', instances: 2, tries: 7, since, message: expect.stringMatching(/ i .*protected/) },
    ]);
    expect(waiting([at({ Terminated: 10 })], going)).toEqual([]);
  });

  it('a network that cannot be removed is a reason, also of a fleet without machines', () => {
    const stuck = { code: 'Conflict', message: 'eni-1', sinceMs: SINCE_MS, tries: 3, triedAtMs: 1 };
    const item: NetworkItem = {
      fleetId: 'f1kdvdnc4jyfcbym5',
      ...SITE,
      kind: 'network',
      name: 'net',
      status: 'Deleting',
      failingSinceMs: 0,
      claimUntilMs: 0,
      neededBy: [],
      stuck,
    };
    const going = fleet({ status: 'Terminating', work: 'remove' });
    const gone = site({ placement: placement({ counts: { Terminated: 10 } }) });
    expect(waiting([gone], going, [item])).toMatchObject([
      { why: 'removal', resource: { kind: 'network', name: 'net' }, message: 'eni-1', instances: 0 },
    ]);
    expect(waiting([gone], going, [{ ...item, status: 'Ready' }])).toEqual([]);
  });
});
