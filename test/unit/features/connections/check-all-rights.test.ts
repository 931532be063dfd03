import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeniedRight, MarketFault } from '../../../../functions/drivers/contract/capabilities.ts';
import { DriverError, type DriverErrorCode } from '../../../../functions/drivers/contract/errors.ts';
import {
  checkAllRights,
  MOST_LOCATIONS,
  warningOf,
} from '../../../../functions/features/connections/check-all-rights.ts';
import type { LocationRights } from '../../../../functions/model/location-rights.ts';
import { readConnection } from '../../../../functions/platform/store/connections.ts';
import { allRights } from '../../../../functions/platform/store/location-rights.ts';
import { updateConnection } from '../../../../functions/platform/store/update-connection.ts';
import { replaceLocations } from '../../../../functions/platform/store/write-catalogue.ts';
import { ACK } from '../../../../functions/platform/worker/context.ts';
import type { CheckRightsMessage } from '../../../../functions/platform/workflow/messages.ts';
import { CLOUD, CONNECTION, NOON, OneFleet } from '../one-fleet/one-fleet.ts';

const RUN: DeniedRight = { call: 'ec2:RunInstances', code: 'UnauthorizedOperation', message: 'not you' };
const message: CheckRightsMessage = { kind: 'check-rights', connectionKey: CONNECTION };

let fleet: OneFleet;
let asked: string[];
beforeEach(async () => {
  fleet = await OneFleet.open();
  asked = [];
});
afterEach(() => fleet.end());

const place = (name: string, available = true) => ({ name, displayName: name, zones: [], available });
const know = async (...names: string[]) =>
  await replaceLocations(
    fleet.store,
    CONNECTION,
    names.map((name) => place(name)),
  );

/** Runs a message while the driver answers by `answer`. */
async function check(
  answer: (location: string) => DeniedRight[] | DriverErrorCode,
  about: CheckRightsMessage = message,
  marketFaults: readonly MarketFault[] = [],
) {
  const { context } = fleet.worker;
  const opened = await fleet.opened();
  const checkRights = async (location = '') => {
    asked.push(location);
    const told = answer(location);
    if (typeof told === 'string') throw new DriverError(told, 'no', { retryAfterMs: 3_000 });
    return told;
  };
  const verifyMarkets = () => Promise.resolve([...marketFaults]);
  const onTerms = () => ({ ...opened.client, checkRights, verifyMarkets });
  const open = () => Promise.resolve({ ...opened, onTerms });
  return await fleet.run(fleet.worker, () => checkAllRights({ ...context, open }, about));
}
const warning = async () => (await readConnection(fleet.store, 'default', 'cloud'))?.warning;
const missingAt = async (location: string) =>
  (await allRights(fleet.store, CONNECTION, true)).get(location)?.missing;

describe('checkAllRights', () => {
  it('the rights are checked and stored at each available location, and the warning names where they are missing', async () => {
    await replaceLocations(fleet.store, CONNECTION, [place('a'), place('b'), place('closed', false)]);
    expect(await check((location) => (location === 'b' ? [RUN] : []))).toEqual(ACK);
    expect(asked.toSorted()).toEqual(['a', 'b']);
    expect([await missingAt('a'), await missingAt('b'), await missingAt('closed')]).toEqual([
      [],
      [RUN],
      undefined,
    ]);
    expect(await warning()).toEqual({
      code: 'MissingRights',
      message:
        'the cloud accepts the credential and denies it these calls: ec2:RunInstances at b. It says: not you',
    });
  });

  it('an account without the role for spot machines gets a warning that says what to do, until it has the role', async () => {
    await know('a');
    const fault = { at: 0, code: 'missing-role', message: 'run `make the role`' } as const;
    await check(() => [RUN], message, [fault]);
    expect((await warning())?.code).toBe('MissingRights');
    await check(() => [], message, [fault]);
    expect(await warning()).toEqual({
      code: 'MissingSpotRole',
      message: 'run `make the role`. Until then, fleets with the market spot are refused',
    });
    await check(() => [RUN], message, [fault]);
    expect((await warning())?.code).toBe('MissingRights');
    await check(() => [], message, [fault]);
    await check(() => [], message, []);
    expect(await warning()).toBeUndefined();
  });

  it('the warning is removed when no right is missing any more', async () => {
    await know('a');
    await check(() => [RUN]);
    await check(() => []);
    expect(await warning()).toBeUndefined();
  });

  it('a warning of another kind stays', async () => {
    await know('a');
    await updateConnection(fleet.store, CLOUD, { warning: { code: 'NoWriterMark', message: 'no mark' } });
    await check(() => [RUN]);
    expect(await warning()).toMatchObject({ code: 'NoWriterMark' });
  });

  it.each(['Throttled', 'NoPermit'] as const)(
    'a location whose check ends with %s is asked by a later message, and the warning comes after that',
    async (code) => {
      await know('a', 'b');
      const left = { ...message, left: ['b'], part: 2 };
      expect(await check((location) => (location === 'b' ? code : [RUN]))).toEqual({
        done: false,
        waitMs: 3_000,
        as: left,
      });
      expect(await warning()).toBeUndefined();
      asked = [];
      expect(await check(() => [RUN], left)).toEqual(ACK);
      expect(asked).toEqual(['b']);
      expect((await warning())?.message).toContain('at all 2 checked locations');
    },
  );

  it('a check that never gets a permit at a location ends after 40 messages', async () => {
    await know('a');
    expect(await check(() => 'NoPermit', { ...message, left: ['a'], part: 40 })).toEqual(ACK);
  });

  it('a location that does not answer keeps what the last check has found, and the others are checked', async () => {
    await know('a', 'b');
    await check(() => [RUN]);
    expect(await check((location) => (location === 'a' ? 'Unavailable' : []))).toEqual(ACK);
    expect([await missingAt('a'), await missingAt('b')]).toEqual([[RUN], []]);
  });

  it('a check asks at most 60 locations, and the warning says how many it left out', async () => {
    const names = Array.from(
      { length: MOST_LOCATIONS + 3 },
      (_, at) => `place-${String(at).padStart(3, '0')}`,
    );
    await know(...names);
    await check((location) => (location === 'place-001' ? [RUN] : []));
    expect(asked).toHaveLength(MOST_LOCATIONS);
    expect((await warning())?.message).toContain(`3 of ${names.length} locations were not checked`);
  });

  it('a check of a credential that is not in force any more asks nothing', async () => {
    await know('a');
    expect(await check(() => [RUN], { ...message, credentialVersion: 7 })).toEqual(ACK);
    expect(asked).toEqual([]);
  });

  it('a check ends without a warning if the cloud refuses the credential', async () => {
    await know('a', 'b');
    expect(await check(() => 'Unauthorized')).toEqual(ACK);
    expect(await warning()).toBeUndefined();
  });
});

describe('warningOf', () => {
  const rightsAt = (location: string, missing: DeniedRight[]): [string, LocationRights] => [
    location,
    { location, missing, checkedAt: new Date(NOON).toISOString() },
  ];

  it('locations that lack the same calls are named together', () => {
    const list = { ...RUN, call: 'ec2:DescribeInstances' };
    const rights = new Map([
      rightsAt('a', [RUN]),
      rightsAt('b', [RUN]),
      rightsAt('c', [RUN, list]),
      rightsAt('d', []),
    ]);
    expect(warningOf(['a', 'b', 'c', 'd'], rights)?.message).toContain(
      'ec2:RunInstances at a, b; ec2:RunInstances, ec2:DescribeInstances at c',
    );
  });

  it('rights at a location that is not available any more are left out', () => {
    expect(warningOf(['b'], new Map([rightsAt('a', [RUN]), rightsAt('b', [])]))).toBeUndefined();
  });
});
