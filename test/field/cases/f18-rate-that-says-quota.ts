import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

const WORDS = {
  F18: "googleapi: Error 429: Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'compute.googleapis.com' for consumer 'project_number:1'. RATE_LIMIT_EXCEEDED",
  'F18-operations': 'googleapi: Error 403: CONCURRENT_OPERATIONS_QUOTA_EXCEEDED, rateLimitExceeded',
  'F18-azure': 'RESPONSE 429: 429 Too Many Requests ERROR CODE: OperationGroupQuotaExceeded',
} as const;

/** Before the fix, the first answer closed the family, and all launches failed. */
export const f18: FieldCase[] = Object.entries(WORDS).map(([id, words]) => ({
  id,
  title: `launches go on after the answer “${words.slice(0, 60)}…”, because it is about the rate of calls`,
  play: () =>
    inField({ worlds: (ground) => ({ 'cb-spider': new SpiderWorld(ground) }) }, async (field) => {
      const { stage, user, worlds } = field;
      const site = SITES['cb-spider'];
      await user.makeNamespace();
      await user.connect('cloud', site);
      const met = worlds['cb-spider'].script.trouble({
        call: 'POST vm',
        times: 3,
        answer: () => Response.json({ message: words }, { status: 500 }),
      });
      const fleet = await stage.create(user.order('web', 'cloud', site, 4));
      const ended = await stage.until(
        fleet.id,
        ({ status }) => status !== 'Preparing' && status !== 'Creating',
      );
      assertIs('status of the fleet', ended.status, 'Running');
      assertMet('throttled creates', met, 3);
      const { governor } = await user.limits('cloud');
      const why = governor.locations.flatMap(({ reasons }) => reasons.map((reason) => reason.why));
      assertIs('the reason quota is shown', why.includes('quota'), false);
    }),
}));
