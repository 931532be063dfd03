import { DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTables } from '../../../cli/shell/direct-tables.ts';
import { closeLaunchGate } from '../../../functions/features/deployment/close-launch-gate.ts';
import { readPossessions, readStanding } from '../../../functions/features/deployment/standing.ts';
import { type AssignDeps, assignSites } from '../../../functions/features/fleets/assignment.ts';
import { makeSshKey } from '../../../functions/features/fleets/ssh-key.ts';
import { fleetSchema } from '../../../functions/model/fleet.ts';
import {
  beginEnding,
  cancelEnding,
  DeploymentEnding,
  enterStep,
  readEnding,
} from '../../../functions/platform/store/ending.ts';
import { readFleetItem, updateFleet } from '../../../functions/platform/store/fleets.ts';
import { readFleetPartition } from '../../../functions/platform/store/placements.ts';
import { documentedActions } from '../../unit/cli/deployment/documented-policy.ts';
import { useTables } from '../tables.ts';
import { fleetBody, furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

const store = useTables();
const gateway = new Gateway(store);
const fleets = '/v1/namespaces/default/fleets';
const deps: AssignDeps = {
  store,
  queueUrls: { sim: 'http://queue.invalid/sim' },
  makeKey: makeSshKey,
  keepPrivateKey: () => Promise.resolve('/test/ssh'),
  forgetPrivateKey: () => Promise.resolve(),
};
const post = (path: string, json: unknown, key?: string) =>
  gateway.ask({ method: 'POST', path, json, headers: { 'idempotency-key': key } });
const create = async (name: string): Promise<string> =>
  fleetSchema.parse((await post(fleets, fleetBody(name))).body).id;
const launching = async (fleetId: string) => {
  const { placements } = await readFleetPartition(store, fleetId);
  return placements.map((one) => one.launching).sort();
};
const end = () => beginEnding(store, { endingId: crypto.randomUUID(), by: 'ops' });

beforeAll(async () => {
  await furnish(store, 'default');
});
beforeEach(async () => {
  await cancelEnding(store);
});

describe('a deployment that is being removed', () => {
  it('the API refuses fleets, instances and connections with 409 `deployment-ending`, and answers reads', async () => {
    const { since } = await end();
    const { nodeGroups } = fleetBody('late-fleet');
    const { name: _, size: __, locations: ___, ...group } = nodeGroups[0] ?? {};
    const credential = { account: 'late', apiKey: 'k'.repeat(40) };
    const connection = {
      name: 'sim-late',
      driver: 'sim',
      cloud: 'aws',
      credential,
      endpoint: 'https://sim.test',
    };
    const answers = [
      await post(fleets, fleetBody('late-fleet')),
      await post('/v1/namespaces/default/instances', { ...group, name: 'late-one', location: 'us-east-1' }),
      await post('/v1/namespaces/default/connections', connection),
      // The connection was deleted by the removal. That is not an error of the request.
      await post(fleets, fleetBody('late-fleet', { connection: 'sim-gone' })),
    ];
    for (const answer of answers) {
      expect([answer.status, Gateway.codeOf(answer)]).toEqual([409, 'deployment-ending']);
      expect(JSON.stringify(answer.body)).toContain(since);
    }
    expect((await gateway.ask({ method: 'GET', path: fleets })).status).toBe(200);
    expect(gateway.sent).toEqual([]);
  });

  it('a replay of an accepted request is answered, although a new request would be refused', async () => {
    const first = fleetSchema.parse((await post(fleets, fleetBody('replayed'), 'key-1')).body);
    await end();
    const again = await post(fleets, fleetBody('replayed'), 'key-1');
    expect([again.status, fleetSchema.parse(again.body).id]).toEqual([202, first.id]);
  });

  it('a fleet can be deleted, and `retry` is refused', async () => {
    const fleetId = await create('settled');
    const fleet = await readFleetItem(store, fleetId);
    if (!fleet) throw new Error('the fleet has no record');
    await updateFleet(store, fleet, { status: 'Failed', work: null });
    await end();
    const retry = await post(`${fleets}/${fleetId}/actions`, { action: 'retry' });
    expect([retry.status, Gateway.codeOf(retry)]).toEqual([409, 'deployment-ending']);
    expect((await gateway.ask({ method: 'DELETE', path: `${fleets}/${fleetId}` })).status).toBe(202);
  });

  it('a cancelled removal accepts fleets again', async () => {
    await end();
    expect(await cancelEnding(store)).toBe('reopened');
    expect(await cancelEnding(store)).toBe('not-ending');
    expect((await post(fleets, fleetBody('after-cancel'))).status).toBe(202);
  });
});

describe('the launch gates of a deployment that is being removed', () => {
  it('the gates of all live fleets are paused, whether Assign has opened them or not', async () => {
    const opened = await create('gate-opened');
    await assignSites(deps, { fleetId: opened, execution: 1 });
    expect(await launching(opened)).toEqual(['on', 'on']);
    const waiting = await create('gate-waiting');
    await end();
    expect(await closeLaunchGate(store)).toBeGreaterThanOrEqual(2);
    expect(await launching(opened)).toEqual(['paused', 'paused']);
    expect(await launching(waiting)).toEqual(['paused', 'paused']);
  });

  it('an Assign step that runs after the removal began opens no gate', async () => {
    const fleetId = await create('gate-late');
    await end();
    await expect(assignSites(deps, { fleetId, execution: 1 })).rejects.toThrow(DeploymentEnding);
    expect(await launching(fleetId)).toEqual(['paused', 'paused']);
  });

  it('an Assign step that reads the fleet before the removal begins leaves no gate open', async () => {
    const fleetId = await create('gate-raced');
    let isEnding = false;
    const racing: AssignDeps = {
      ...deps,
      // Assign makes the key between its reads and its writes.
      makeKey: async (comment) => {
        await end();
        await closeLaunchGate(store);
        isEnding = true;
        return await makeSshKey(comment);
      },
    };
    await expect(assignSites(racing, { fleetId, execution: 1 })).rejects.toThrow(DeploymentEnding);
    expect([isEnding, await launching(fleetId)]).toEqual([true, ['paused', 'paused']]);
  });

  it('five requests for fleets that race with the removal are accepted and seen, or refused', async () => {
    const names = ['race-1', 'race-2', 'race-3', 'race-4', 'race-5'];
    const [answers] = await Promise.all([
      Promise.all(names.map((name) => post(fleets, fleetBody(name)))),
      end(),
    ]);
    await closeLaunchGate(store);
    const standing = new Set((await readStanding(store)).fleets.map(({ name }) => name));
    answers.forEach(({ status }, at) => {
      expect([names[at], standing.has(names[at] ?? ''), status === 202]).toEqual([
        names[at],
        status === 202,
        status === 202,
      ]);
    });
  });
});

describe('the progress of a removal', () => {
  it('two commands share one removal, and a step never goes back', async () => {
    const [one, two] = await Promise.all([end(), end()]);
    expect(one.endingId).toBe(two.endingId);
    expect(await enterStep(store, one, 'clouds')).toBe(true);
    expect(await enterStep(store, two, 'fleets')).toBe(true);
    expect((await readEnding(store))?.step).toBe('clouds');
  });

  it('a command of a removal that was cancelled enters no step, also after another removal began', async () => {
    const first = await end();
    await cancelEnding(store);
    expect(await enterStep(store, first, 'fleets')).toBe(false);
    const second = await end();
    expect(await enterStep(store, first, 'fleets')).toBe(false);
    expect(await enterStep(store, second, 'fleets')).toBe(true);
  });

  it('a removal cannot be cancelled once secrets are deleted', async () => {
    const ending = await end();
    await enterStep(store, ending, 'secrets');
    expect(await cancelEnding(store)).toBe('too-late');
    expect((await readEnding(store))?.step).toBe('secrets');
  });
});

describe('what a deployment still has', () => {
  it('live fleets, connections and possessions are read from all namespaces', async () => {
    const { fleets: live, connections } = await readStanding(store);
    expect(connections.map(({ name }) => name)).toEqual(expect.arrayContaining(['sim-aws', 'sim-gcp']));
    expect(live.length).toBeGreaterThan(0);
    expect(await readPossessions(store)).toEqual({ machines: [], networks: [], keptDisks: [] });
  });
});

describe('the documented policy of the removal', () => {
  it('the policy allows exactly the actions on table items that a removal takes', async () => {
    const sent = vi.spyOn(DynamoDBDocumentClient.prototype, 'send');
    const tables = openTables({}, store.tables);
    const { endingId } = await tables.beginEnding('ops');
    await tables.enterStep(endingId, 'accepting');
    await tables.closeLaunchGate();
    await Promise.all([
      tables.readEnding(),
      tables.readStanding(),
      tables.readPossessions(),
      tables.deploymentId(),
    ]);
    const { id } = await tables.issueKey();
    await tables.revokeKey(id);
    await tables.cancelEnding();
    const taken = new Set(sent.mock.calls.flatMap(([command]) => actionsOf(command)));
    sent.mockRestore();
    const allowed = documentedActions('destroy').filter((action) => ITEM_ACTION.test(action));
    expect([...taken].sort()).toEqual(allowed);
  });
});

const ITEM_ACTION = /^dynamodb:(.*Item|Query|Scan)$/;

/** Returns the IAM actions that a command of the document client needs. A transaction needs those of its parts. */
function actionsOf(command: object): string[] {
  if (command instanceof TransactWriteCommand) {
    const parts = (command.input.TransactItems ?? []).flatMap((item) => Object.keys(item));
    return parts.map((part) =>
      part === 'ConditionCheck' ? 'dynamodb:ConditionCheckItem' : `dynamodb:${part}Item`,
    );
  }
  const name = command.constructor.name.replace(/Command$/, '');
  return [name === 'Query' ? 'dynamodb:Query' : `dynamodb:${name}Item`];
}
