import assert from 'node:assert/strict';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { parametersOf, textAt } from '../worlds/ec2/query.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';

const SIZE = 3;
const MINUTE_MS = 60_000;
const ANSWERS = {
  IdempotentInstanceTerminated:
    'The client token you have provided is associated with an instance that has been terminated.',
  IdempotentParameterMismatch: 'The client token already exists with different launch parameters.',
} as const;
type Code = keyof typeof ANSWERS;

/** @param used number of client tokens that EC2 has used up. Absent: all */
function play(code: Code, used: number, locations = ['us-east-1']): () => Promise<void> {
  return () =>
    inField(
      { worlds: () => ({ aws: new Ec2World({ regions: ['us-east-1', 'us-west-2'] }) }) },
      async (field) => {
        const { stage, user, worlds, ground } = field;
        await user.makeNamespace();
        await user.connect('cloud', SITES.aws);
        const tokens = new Set<string>();
        const met = worlds.aws.script.trouble({
          call: 'RunInstances',
          when: ({ url, text }) => {
            if (!url.hostname.includes('us-east-1')) return false;
            const token = textAt(parametersOf(text), 'ClientToken');
            if (tokens.size < used) tokens.add(token);
            return tokens.has(token);
          },
          answer: () => refusal(400, code, ANSWERS[code]),
        });
        const order = user.order('web', 'cloud', SITES.aws, SIZE);
        const [group] = order.nodeGroups;
        assert.ok(group);
        const askedAtMs = ground.now();
        const fleet = await stage.create({ ...order, nodeGroups: [{ ...group, locations }] });
        const up = await stage.until(
          fleet.id,
          ({ status }) => status !== 'Preparing' && status !== 'Creating',
        );
        const tookMs = ground.now() - askedAtMs;
        assertMet('used-up tokens', met);
        const machines = worlds.aws.standing(ground.now());
        if (Number.isFinite(used) || locations.length > 1) {
          assert.equal(up.status, 'Running', JSON.stringify(up.failures));
          assertIs('machines', machines.length, SIZE);
        } else {
          assert.equal(up.status, 'Failed', JSON.stringify(up.counts));
          const words = JSON.stringify(up.failures);
          assert.ok(words.includes(ANSWERS[code]), words);
          assertIs('machines', machines.length, 0);
        }
        assert.ok(tookMs < 5 * MINUTE_MS, `the launches ended after ${tookMs} ms`);
        const asked = worlds.aws.script.calls('RunInstances').length;
        assert.ok(asked <= 8 * SIZE, `${asked} calls of RunInstances`);
      },
    );
}

/** Before the fix, the worker repeated the call with the same token until the time limit of the instances. */
export const f16: FieldCase[] = [
  {
    id: 'F16',
    title: 'an instance is launched with another token if EC2 has used up its client token',
    play: play('IdempotentInstanceTerminated', 1),
  },
  {
    id: 'F16-mismatch',
    title: 'an instance is launched with another token if EC2 has its client token with other parameters',
    play: play('IdempotentParameterMismatch', 2),
  },
  {
    id: 'F16-always',
    title: 'instances fail with EC2’s message if EC2 says of every client token that it is used up',
    play: play('IdempotentInstanceTerminated', Number.POSITIVE_INFINITY),
  },
  {
    id: 'F16-location',
    title: 'instances move to another location if EC2 says of every client token that it is used up',
    play: play('IdempotentInstanceTerminated', Number.POSITIVE_INFINITY, ['us-east-1', 'us-west-2']),
  },
];
