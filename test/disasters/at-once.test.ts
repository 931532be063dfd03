import { describe, it } from 'vitest';
import { cloudMisbehaves } from './faults.ts';
import { messagesComeAgain, stepsEndTooEarly, tokensAreAnsweredWrongly } from './messages.ts';
import { credentialIsRevoked, siteIsDownForAWhile, siteIsDownPermanently } from './sites.ts';
import { workflowsEndEarly } from './workflows.ts';

// Each test uses clouds of its own, so they run at the same time. They share the queue, so each must bear what another
// one does to it.
describe.concurrent('disasters', () => {
  it('a fleet comes up and goes although messages of every kind are delivered again', messagesComeAgain);
  it(
    'a fleet comes up although its task tokens are answered early, wrongly and late',
    tokensAreAnsweredWrongly,
  );
  it(
    'a fleet does not settle before its machines run although its steps are answered early',
    stepsEndTooEarly,
  );
  it('fleets come up and go although their executions are stopped or never started', workflowsEndEarly);
  it('a fleet comes up and goes although its locations are down for a while', siteIsDownForAWhile);
  it('a fleet whose location stays down runs elsewhere or is rolled back', siteIsDownPermanently);
  it(
    'a fleet settles after its credential was revoked, and is removed when the credential works',
    credentialIsRevoked,
  );
  it(
    'a fleet comes up and goes at a cloud that loses replies and machines and makes machines twice',
    cloudMisbehaves,
  );
});
