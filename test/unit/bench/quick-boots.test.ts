import { expect, test } from 'vitest';
import { measureRun } from '../../../bench/ideal/from-books.ts';
import { BOOT_CASES, fleetOf, MOST_LOCATIONS } from '../../../bench/quick-boots/cases.ts';
import {
  isAsAsked,
  quickBootsSchema,
  quickBootsText,
  resultOf,
} from '../../../bench/quick-boots/document.ts';
import { booksOf } from '../../../bench/quick-boots/spider-cloud.ts';
import { cbSpiderMetadata } from '../../../functions/drivers/cb-spider/metadata.ts';
import { machineName } from '../../../functions/drivers/contract/names.ts';
import { fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import type { Account } from '../../contract/servers/spider-double/world.ts';

const DEPLOYMENT = 'bench-1';
const FLEET = 'f1m8kwjqhg0ryfs6n';
const ASKED_AT = '2026-11-29T12:00:00.000Z';
const LIMITS = {
  mock: { locationSlots: 30, instanceSlotsPerLocation: 20, createsPerSecond: 50, createBurst: 50 },
};

/**
 * Returns a mock account with `count` machines. Each machine was accepted `acceptedAfterMs` after ASKED_AT,
 * and ran one second after that.
 */
function accountWith(count: number, region: (index: number) => string, acceptedAfterMs: number): Account {
  const machines = Array.from({ length: count }, (_, index) => {
    const token = `${FLEET}-${String(index).padStart(5, '0')}.1`;
    const Name = machineName(DEPLOYMENT, token, cbSpiderMetadata.maxNameLength);
    const startedAtMs = Date.parse(ASKED_AT) + acceptedAfterMs;
    return {
      NameId: Name,
      SystemId: `mock-${index}`,
      region: region(index),
      zone: '',
      status: 'Running',
      startedAt: new Date(startedAtMs).toISOString(),
      runningAtMs: startedAtMs + 1_000,
      request: {
        Name,
        ImageName: 'image',
        VMSpecName: 'spec',
        VPCName: 'vpc',
        SubnetName: 'subnet',
        SecurityGroupNames: [],
        KeyPairName: 'key',
      },
    };
  });
  return { machines, resources: { vpc: [], securitygroup: [], keypair: [] } };
}

const measure = (account: Account) =>
  measureRun({
    books: booksOf([account], { prepareMs: 100, startMs: 900 }, DEPLOYMENT),
    limits: LIMITS,
    startedAt: ASKED_AT,
    deploymentId: DEPLOYMENT,
    fleetIds: [FLEET],
  });

test('the ideal time of 150 machines in 20 slots is the time of eight boots', () => {
  expect(measure(accountWith(150, () => 'mercury', 500)).idealSeconds).toBeCloseTo(8, 6);
});

test('the ideal time of 60 machines in eight locations is the time of one boot', () => {
  expect(measure(accountWith(60, (index) => `region-${index % 8}`, 500)).idealSeconds).toBeCloseTo(1, 6);
});

test('the time of a case is measured from the request until the last machine of its fleet runs', () => {
  const run = measure(accountWith(20, () => 'mercury', 2_250));
  const result = resultOf({ instances: 20, locations: 1 }, run);
  expect(result).toEqual({
    instances: 20,
    locations: 1,
    running: 20,
    seconds: 3.25,
    idealSeconds: 1,
    ratio: 3.25,
  });
});

test('the API accepts the fleet of each case, and fleetOf refuses more locations than are offered', () => {
  const offered = {
    connection: 'quick-boots-1',
    locations: Array.from({ length: MOST_LOCATIONS }, (_, at) => `region-${at}`),
    instanceType: 'spec',
    image: 'image',
  };
  for (const one of BOOT_CASES) {
    const fleet = fleetRequestSchema.parse(fleetOf(one, offered));
    expect(fleet.nodeGroups[0]?.locations).toHaveLength(one.locations);
  }
  expect(() => fleetOf({ name: 'twenty', instances: 20, locations: 9 }, offered)).toThrow(RangeError);
});

test('isAsAsked is true only if all machines of each case ran and no machine remains', () => {
  const one = { instances: 150, locations: 1, running: 150, seconds: 10.4, idealSeconds: 8, ratio: 1.3 };
  const document = quickBootsSchema.parse({
    driver: 'sim',
    bootSeconds: 1,
    slots: 20,
    createsPerSecond: 5,
    firstFleet: one,
    twenty: one,
    oneLocation: one,
    eightLocations: one,
    remaining: 0,
  });
  expect(isAsAsked(document)).toBe(true);
  expect(quickBootsText(document)).toContain('10.4');
  expect(isAsAsked({ ...document, twenty: { ...one, running: 149 } })).toBe(false);
  expect(isAsAsked({ ...document, remaining: 1 })).toBe(false);
  expect(quickBootsSchema.safeParse({ ...document, oneLocation: { instances: 150 } }).success).toBe(false);
});
