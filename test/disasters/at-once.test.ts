import { describe, it } from 'vitest';
import { cloudMisbehaves } from './faults.ts';
import { messagesComeAgain, stepsEndTooEarly, tokensAreAnsweredWrongly } from './messages.ts';
import { credentialIsRevoked, siteIsDownForAWhile, siteIsDownPermanently } from './sites.ts';
import { workflowsEndEarly } from './workflows.ts';

// Each test uses different clouds, so the tests run at the same time. They share the driver's queue, so each
// test must work while another test takes or repeats its messages.
describe.concurrent('disasters', () => {
  it('a fleet runs and is removed even if messages of every kind are delivered again', messagesComeAgain);
  it('a fleet runs even if its task tokens are answered early, wrongly and late', tokensAreAnsweredWrongly);
  it(
    'a fleet does not settle before its machines run, even if its steps are answered early',
    stepsEndTooEarly,
  );
  it('fleets run and are removed even if their executions are stopped or never started', workflowsEndEarly);
  it('a fleet runs and is removed even if its locations are down for a while', siteIsDownForAWhile);
  it('a fleet whose location stays down runs at other locations or is rolled back', siteIsDownPermanently);
  it(
    'a fleet settles after its credential was revoked, and is removed when the credential works again',
    credentialIsRevoked,
  );
  it(
    'a fleet runs and is removed at a cloud that loses replies and machines and makes machines twice',
    cloudMisbehaves,
  );
});
