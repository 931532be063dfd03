import { describe, it } from 'vitest';
import { cloudMisbehaves } from './faults.ts';
import { messagesComeAgain, stepsEndTooEarly, tokensAreAnsweredWrongly } from './messages.ts';
import { credentialIsRevoked, siteIsDownForAWhile, siteIsDownPermanently } from './sites.ts';
import { workflowsEndEarly } from './workflows.ts';

// Each keeps to clouds of its own, so they run at the same time; what one does to the queue, all bear.
describe.concurrent('disasters', () => {
  it('messages of every kind come again, during a fleet and long after it', messagesComeAgain);
  it('task tokens are answered early, wrongly, late and twice', tokensAreAnsweredWrongly);
  it('every step of a fleet is answered too early', stepsEndTooEarly);
  it('executions are stopped, or never started', workflowsEndEarly);
  it('a location is down for a while', siteIsDownForAWhile);
  it('a location is down permanently, under rollback', siteIsDownPermanently);
  it('a credential is revoked in mid-flight', credentialIsRevoked);
  it('a cloud loses, doubles, hides and keeps what it should not', cloudMisbehaves);
});
