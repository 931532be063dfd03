import { afterEach, describe, expect, test } from 'vitest';
import { has, type TerminateOutcome } from '../../../../functions/drivers/contract/capabilities.ts';
import { type Canned, type CannedEc2, cannedEc2, connect, page, refusal } from './canned-ec2.ts';

let ec2: CannedEc2;
afterEach(() => ec2.close());

const idOf = (at: number) => `i-${String(at).padStart(17, '0')}`;
const IDS = Array.from({ length: 100 }, (_, at) => idOf(at));
const idsOf = (call: URLSearchParams): string[] =>
  [...call.entries()].flatMap(([name, value]) => (name.startsWith('InstanceId.') ? [value] : []));

/** Answers each terminate call with `answer`, and returns the outcomes of IDS. */
async function terminateAll(answer: (ids: string[]) => Canned): Promise<TerminateOutcome[]> {
  ec2 = await cannedEc2((call) => answer(idsOf(call)));
  const client = connect(ec2.url);
  if (!has(client, 'batch-terminate')) throw new TypeError('the client cannot terminate batches');
  return await client.terminateInstances('us-east-1', IDS);
}

const ACCEPTED = page('TerminateInstances', '<instancesSet/>');
const refusedIn = (outcomes: readonly TerminateOutcome[]) =>
  outcomes.flatMap(({ backendId, error }) => (error ? [[backendId, error.code]] : []));

describe('terminateInstances of the AWS driver', () => {
  test('one call terminates a hundred machines', async () => {
    const outcomes = await terminateAll(() => ACCEPTED);
    expect(outcomes).toEqual(IDS.map((backendId) => ({ backendId })));
    expect(ec2.calls).toHaveLength(1);
  });

  test('machines that EC2 does not know count as terminated, and the others follow in a second call', async () => {
    const unknown = [idOf(3), idOf(70)];
    const outcomes = await terminateAll((ids) =>
      ids.includes(idOf(3))
        ? refusal(400, 'InvalidInstanceID.NotFound', `The instance IDs '${unknown.join(', ')}' do not exist`)
        : ACCEPTED,
    );
    expect(refusedIn(outcomes)).toEqual([]);
    expect(ec2.calls.map((call) => idsOf(call).length)).toEqual([100, 98]);
  });

  test('a protected machine that EC2 names keeps its error, and the others follow in a second call', async () => {
    const outcomes = await terminateAll((ids) =>
      ids.includes(idOf(41))
        ? refusal(400, 'OperationNotPermitted', `The instance '${idOf(41)}' may not be terminated.`)
        : ACCEPTED,
    );
    expect(refusedIn(outcomes)).toEqual([[idOf(41), 'InvalidRequest']]);
    expect(ec2.calls).toHaveLength(2);
  });

  test('a machine that EC2 refuses without naming it is found by halves, and the others are terminated', async () => {
    const outcomes = await terminateAll((ids) =>
      ids.includes(idOf(41)) ? refusal(403, 'UnauthorizedOperation', 'not authorized') : ACCEPTED,
    );
    expect(refusedIn(outcomes)).toEqual([[idOf(41), 'Forbidden']]);
    expect(ec2.calls.length).toBeLessThanOrEqual(15);
  });

  test('a policy that denies every removal costs a limited number of calls, and each machine gets the denial', async () => {
    const outcomes = await terminateAll(() => refusal(403, 'UnauthorizedOperation', 'not authorized'));
    expect(refusedIn(outcomes)).toEqual(IDS.map((id) => [id, 'Forbidden']));
    expect(ec2.calls.length).toBeLessThanOrEqual(82);
  });

  test.each([
    ['RequestLimitExceeded', 503, 'Throttled'],
    ['InternalError', 500, 'OutcomeUnknown'],
  ])('the error %s concerns the whole call, and no further call is made', async (code, status, expected) => {
    const outcomes = await terminateAll(() => refusal(status, code, 'not now'));
    expect(refusedIn(outcomes)).toEqual(IDS.map((id) => [id, expected]));
    expect(ec2.calls).toHaveLength(1);
  });
});
