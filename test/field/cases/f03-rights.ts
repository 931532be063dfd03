import assert from 'node:assert/strict';
import type { Fleet } from '../../../functions/model/fleet.ts';
import { NAMESPACE } from '../../chaos/world/lab.ts';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { SITES } from '../harness/sites.ts';
import { refusal } from '../worlds/ec2/xml.ts';
import { A, B, inA, inTwoRegions, orderIn } from './denials.ts';

const WORDS = 'You are not authorized to perform this operation';

/** Returns the pointers of the warnings about missing rights. */
const lacking = ({ warnings = [] }: Fleet) =>
  warnings.flatMap(({ pointer, code }) => (code === 'missing-rights' ? [pointer] : []));

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
            .flatMap(({ call, location }) => (call.startsWith('ec2:') ? [`${call} ${location}`] : []))
            .toSorted(),
          [`ec2:CreateVpc ${B}`, `ec2:CreateVpc ${A}`, `ec2:RunInstances ${B}`, `ec2:RunInstances ${A}`],
        );
        assertMet('denied dry runs', met, 2);
        assertIs('machines', worlds.aws.standing(ground.now()).length, 0);
      }),
  },
  {
    id: 'F3-rights-by-region',
    title:
      'a verification names the region where a right is missing, and only fleets of that region are warned',
    play: () =>
      inTwoRegions(async (field) => {
        const { user, worlds, stage, lab, ground } = field;
        const met = worlds.aws.script.trouble({
          call: 'RunInstances',
          when: inA,
          answer: () => refusal(403, 'UnauthorizedOperation', WORDS),
        });
        await user.makeNamespace();
        await user.connect('cloud', SITES.aws);
        await ground.sleep(60_000);
        const { status, warning } = await user.connection('cloud');
        assertIs('the connection', [status, warning?.code], ['Ready', 'MissingRights']);
        assert.match(warning?.message ?? '', new RegExp(`ec2:RunInstances at ${A}\\. It says: .*${WORDS}`));
        assertIs('warnings of a fleet in B', lacking(await stage.create(orderIn(field, 'in-b', [B], 1))), []);
        const both = await stage.create(orderIn(field, 'in-both', [B, A], 2));
        assertIs('warnings of a fleet in both regions', lacking(both), ['/nodeGroups/0/locations/1']);
        await stage.until(both.id, ({ counts }) => counts.Running === 2);
        met.end();
        await lab.requestConnections(({ verifyConnection }) =>
          verifyConnection({
            params: { namespace: NAMESPACE, connection: 'cloud' },
            query: {},
            body: undefined,
            idempotencyKey: undefined,
          }),
        );
        await ground.sleep(60_000);
        assertIs('the warning', (await user.connection('cloud')).warning, undefined);
        const inTime = await stage.create(orderIn(field, 'in-a', [A], 1));
        assertIs('warnings of a fleet in A', lacking(inTime), []);
      }),
  },
];
