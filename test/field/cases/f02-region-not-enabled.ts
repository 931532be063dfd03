import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { SITES } from '../harness/sites.ts';
import { refusal } from '../worlds/ec2/xml.ts';
import {
  A,
  assertReady,
  B,
  type Denial,
  denied,
  inTwoRegions,
  orderIn,
  playDeniedCreates,
  runsInB,
} from './denials.ts';

const NOT_VALID: Denial = {
  status: 401,
  code: 'AuthFailure',
  words: 'AWS was not able to validate the provided access credentials',
  // Every call, in EC2 and in SSM.
  call: /./,
};

/** Before the fix, one region that is not enabled made the connection Failed. */
export const f02: FieldCase[] = [
  {
    id: 'F2',
    title: 'a region that answers AuthFailure while STS accepts the credential is denied alone',
    play: () => inTwoRegions((field) => playDeniedCreates(field, NOT_VALID)),
  },
  {
    id: 'F2-inventory',
    title:
      'a region that answers AuthFailure from the start is listed as unavailable, and the inventory is complete',
    play: () =>
      inTwoRegions(async (field) => {
        const { user, worlds, stage } = field;
        worlds.aws.script.trouble(denied(NOT_VALID));
        await user.makeNamespace();
        await user.connect('cloud', SITES.aws);
        assertReady(await user.connection('cloud'));
        const locations = await stage.locations('cloud');
        assertIs(
          'locations',
          locations.map(({ name, available, unavailable }) => [name, available, unavailable?.code]),
          [
            [B, true, undefined],
            [A, false, 'AuthFailure'],
          ],
        );
        await runsInB(field, 'only-b');
        const both = await stage.create(orderIn(field, 'both', [A, B], 4));
        await stage.until(both.id, ({ counts }) => counts.Running === 4);
        await refusesA(field);
      }),
  },
  {
    id: 'F2-everywhere',
    title: 'a connection becomes Failed if STS at home refuses the credential as well',
    play: () =>
      inTwoRegions(async (field) => {
        const { user, worlds, stage } = field;
        await user.makeNamespace();
        await user.connect('cloud', SITES.aws);
        const met = worlds.aws.script.trouble({
          call: /./,
          answer: () => refusal(401, 'AuthFailure', NOT_VALID.words),
        });
        const fleet = await stage.create(orderIn(field, 'both', [A, B], 2));
        await stage.until(fleet.id, ({ status }) => status === 'Failed');
        assertMet('refused calls', met);
        const { status, failure } = await user.connection('cloud');
        assertIs('the connection', [status, failure?.code], ['Failed', 'Unauthorized']);
      }),
  },
];

/** Checks that a fleet in A alone is refused with EC2's words. */
async function refusesA(field: Parameters<typeof runsInB>[0]): Promise<void> {
  const refused: unknown = await field.stage
    .create(orderIn(field, 'only-a', [A], 1))
    .catch((problem: unknown) => problem);
  const words = JSON.stringify(refused);
  if (!words.includes('location-unavailable') || !words.includes(NOT_VALID.words))
    throw new Error(`a fleet in A alone was not refused with the words of EC2: ${words}`);
}
