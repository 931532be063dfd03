import assert from 'node:assert/strict';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { SITES } from '../harness/sites.ts';
import { refusal } from '../worlds/ec2/xml.ts';
import { inTwoRegions } from './denials.ts';

/** A credential without the right to launch: the verification says so, before a fleet meets it. */
export const f03Rights: FieldCase[] = [
  {
    id: 'F3-rights',
    title: 'a verification names the calls that the credential may not make, and the connection is Ready',
    play: () =>
      inTwoRegions(async ({ user, worlds, ground }) => {
        const met = worlds.aws.script.trouble({
          call: /^(RunInstances|CreateVpc)$/,
          answer: () => refusal(403, 'UnauthorizedOperation', 'You are not authorized.'),
        });
        await user.makeNamespace();
        await user.connect('cloud', SITES.aws);
        const connection = await user.health('cloud');
        assertIs('the connection', [connection.status, connection.warning?.code], ['Ready', 'MissingRights']);
        for (const call of ['ec2:RunInstances', 'ec2:CreateVpc'])
          assert.ok(connection.warning?.message.includes(call), connection.warning?.message);
        assertIs(
          'the denied calls',
          connection.health?.deniedCalls
            .flatMap(({ call }) => (call.startsWith('ec2:') ? [call] : []))
            .toSorted(),
          ['ec2:CreateVpc', 'ec2:RunInstances'],
        );
        assertMet('denied dry runs', met, 2);
        assertIs('machines', worlds.aws.standing(ground.now()).length, 0);
      }),
  },
];
