import { assertIs, type FieldCase } from '../harness/case.ts';
import { SITES } from '../harness/sites.ts';
import {
  A,
  assertReady,
  B,
  type Denial,
  denied,
  inTwoRegions,
  isSettled,
  orderIn,
  playDeniedCreates,
  runsInB,
} from './denials.ts';

const POLICY: Omit<Denial, 'call'> = {
  status: 403,
  code: 'UnauthorizedOperation',
  words: 'You are not authorized to perform this operation.',
};

/** Before the fix, the connection became Failed, and one denied region left it without any inventory. */
export const f03: FieldCase[] = [
  {
    id: 'F3',
    title: 'if a policy denies create calls in region A, the instances run in region B',
    play: () => inTwoRegions((field) => playDeniedCreates(field, { ...POLICY, call: 'RunInstances' })),
  },
  {
    id: 'F3-every-call',
    title: 'a policy that denies each call in region A leaves region B with its whole inventory',
    play: () =>
      inTwoRegions(async (field) => {
        const { user, worlds, stage } = field;
        const met = worlds.aws.script.trouble(denied({ ...POLICY, call: /^(?!GetCallerIdentity)/ }));
        await user.makeNamespace();
        await user.connect('cloud', SITES.aws);
        const connection = await user.connection('cloud');
        assertReady(connection);
        assertIs('failures of the inventory', connection.inventoryFailures, undefined);
        const shown = async () =>
          (await stage.locations('cloud')).map(({ name, available, unavailable }) => [
            name,
            available,
            unavailable?.message.includes(POLICY.words) ?? false,
          ]);
        assertIs('locations', await shown(), [
          [B, true, false],
          [A, false, true],
        ]);
        await runsInB(field, 'only-b');
        // The policy is lifted. The sync a quarter of an hour later lists the region as available.
        met.end();
        await stage.pass(16);
        assertIs('locations after the policy was lifted', await shown(), [
          [B, true, false],
          [A, true, false],
        ]);
        const fleet = await stage.create(orderIn(field, 'only-a', [A], 2));
        const up = await stage.until(fleet.id, isSettled);
        assertIs('a fleet in A', [up.status, up.counts.Running], ['Running', 2]);
      }),
  },
  {
    id: 'F3-home',
    title: 'a policy that denies EC2 in the home region leaves the other regions with their inventory',
    play: () =>
      inTwoRegions(async (field) => {
        const { user, worlds, stage } = field;
        worlds.aws.script.trouble({
          ...denied({ ...POLICY, call: /./ }),
          when: ({ url }) => url.hostname.startsWith(`ec2.${B}`),
        });
        await user.makeNamespace();
        await user.connect('cloud', SITES.aws);
        assertReady(await user.connection('cloud'));
        const fleet = await stage.create(orderIn(field, 'only-a', [A], 2));
        const up = await stage.until(fleet.id, isSettled);
        assertIs('a fleet in A', [up.status, up.counts.Running], ['Running', 2]);
      }),
  },
];
