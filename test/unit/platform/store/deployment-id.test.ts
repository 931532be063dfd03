import { afterEach, describe, expect, it } from 'vitest';
import { answerOf } from '../../../../functions/entrypoints/handlers/deployment/answer-cloudformation.ts';
import { DeploymentIdTaken, ensureDeploymentId } from '../../../../functions/platform/store/deployment.ts';
import { ClientLoans, fleetsTable } from './fleets-table.ts';

const loans = new ClientLoans();
afterEach(() => loans.takeBack());

const unnamed = (deploymentId: string) => ({ deploymentId, isNamed: false });
const named = (deploymentId: string) => ({ deploymentId, isNamed: true });

describe('ensureDeploymentId', () => {
  it('functions that start together all get the same deployment id', async () => {
    const { store } = fleetsTable(loans);
    const wanted = Array.from({ length: 20 }, (_, at) => unnamed(`stack-${at}`));
    const ids = await Promise.all(wanted.map((one) => ensureDeploymentId(store, one)));
    expect(new Set(ids).size).toBe(1);
  });

  it('the deployment id in the tables does not change when another stack begins to use the tables', async () => {
    const { store } = fleetsTable(loans);
    await ensureDeploymentId(store, unnamed('first-stack'));
    expect(await ensureDeploymentId(store, unnamed('second-stack'))).toBe('first-stack');
  });

  it('the operator may set the deployment id, and setting another id later is refused', async () => {
    const { store } = fleetsTable(loans);
    expect(await ensureDeploymentId(store, named('acme-prod'))).toBe('acme-prod');
    expect(await ensureDeploymentId(store, named('acme-prod'))).toBe('acme-prod');
    const refused = ensureDeploymentId(store, named('acme-test'));
    await expect(refused).rejects.toThrow(DeploymentIdTaken);
    await expect(refused).rejects.toThrow(/acme-prod.*acme-test/);
  });
});

describe('the answer to CloudFormation', () => {
  const event = {
    RequestType: 'Create',
    ResponseURL: 'https://example.com/answer',
    StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/Fleetwright-dev/1',
    RequestId: 'r',
    LogicalResourceId: 'Deployment',
  } as const;

  it('the answer to CloudFormation contains the deployment id', () => {
    const answer = answerOf(event, { attributes: { DeploymentId: 'acme-prod' } });
    expect(answer).toMatchObject({ Status: 'SUCCESS', Data: { DeploymentId: 'acme-prod' }, RequestId: 'r' });
  });

  it('an error fails the CloudFormation deployment, and CloudFormation gets the error’s message', () => {
    const error = new DeploymentIdTaken('acme-test', 'acme-prod');
    expect(answerOf(event, { error })).toMatchObject({ Status: 'FAILED', Reason: error.message });
  });
});
