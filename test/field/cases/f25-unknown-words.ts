import assert from 'node:assert/strict';
import type { DriverName } from '../../../functions/model/connection.ts';
import type { FleetRequest } from '../../../functions/model/fleet-request.ts';
import { behind } from '../harness/behind.ts';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { allWorlds } from '../harness/every-driver.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { positionsOfLaunch } from '../harness/tokens-of-launch.ts';
import type { Asked } from '../worlds/asked.ts';
import { refusal } from '../worlds/ec2/xml.ts';
import type { Trouble } from '../worlds/script.ts';

const SIZE = 20;
const LIMIT_SECONDS = 1_200;
/**
 * Maximum time in ms until the fleet settles. This is enough for equal answers over a minute, the look-ups
 * between these answers, and the removal of the other instances.
 */
const MOST_MS = 240_000;

type Policy = FleetRequest['failurePolicy'];
type Refusing = Exclude<DriverName, 'sim'>;

/** Matches creates of the instance at position 7, as a single create or in a batch. */
const ASKS_FOR_7: Readonly<Record<Refusing, (asked: Asked) => boolean>> = {
  'cb-spider': ({ text }) => /"Name":"[^"]*00007[0-9a-z]{2}"/.test(text),
  openstack: ({ text }) => /[-:,]00007\.[0-9]/.test(text),
  aws: (asked) => positionsOfLaunch(asked).includes(7),
};

const CREATE: Readonly<Record<Refusing, string>> = {
  'cb-spider': 'POST vm',
  openstack: 'POST nova /servers',
  aws: 'RunInstances',
};

/**
 * Returns a fault that answers creates with a server error in the form of the driver's cloud.
 *
 * @param words the message of the error; `{n}` in it is replaced by the number of the answer
 */
function refused(driver: Refusing, words: string): Trouble {
  let count = 0;
  const answer = (): Response => {
    count += 1;
    const message = words.replace('{n}', String(count));
    switch (driver) {
      case 'cb-spider':
        return Response.json({ message }, { status: 500 });
      case 'openstack':
        return Response.json({ computeFault: { code: 500, message } }, { status: 500 });
      case 'aws':
        return refusal(500, 'InternalError', message);
    }
  };
  return { call: CREATE[driver], when: ASKS_FOR_7[driver], answer };
}

const ENDS = { rollback: 'RolledBack', continue: 'PartiallyRunning', refine: 'Running' } as const;

function kind(id: string, driver: Refusing, words: string, failurePolicy: Policy): FieldCase {
  return {
    id,
    title: `an instance whose create is refused each time with the unknown error “${words}” fails long before its time limit (driver ${driver}, policy ${failurePolicy})`,
    play: () =>
      inField({ worlds: allWorlds }, async (field) => {
        const { stage, user, worlds, ground } = field;
        const cloud = behind(driver, field);
        const site = SITES[driver];
        await user.makeNamespace();
        await user.connect('cloud', site);
        const met = worlds[driver].script.trouble(refused(driver, words));
        const askedAtMs = ground.now();
        const traits = { failurePolicy, instanceTimeoutSeconds: LIMIT_SECONDS };
        const fleet = await stage.create(user.order('web', 'cloud', site, SIZE, traits));
        const ended = await stage.until(
          fleet.id,
          ({ status }) => !['Preparing', 'Creating', 'RollingBack'].includes(status),
        );
        const tookMs = ground.now() - askedAtMs;
        assert.equal(ended.status, ENDS[failurePolicy], JSON.stringify(ended.counts));
        assert.ok(
          tookMs < MOST_MS,
          `the fleet settled after ${tookMs} ms; at most ${MOST_MS} ms are allowed`,
        );
        const failures = JSON.stringify(ended.failures);
        const [fixed = words] = words.split('{n}');
        assert.ok(failures.includes(fixed), `the failures do not show the cloud's message: ${failures}`);
        const left = failurePolicy === 'rollback' ? 0 : SIZE - 1;
        assertIs('machines at the cloud', cloud.standing().length, left);
        assertMet('refused creates', met, 3);
      }),
  };
}

const ERROR = 'Internal Server Error';

/** Before the fix, the worker repeated the create until the instance's time limit, 20 minutes by default. */
export const f25: FieldCase[] = [
  kind('F25', 'cb-spider', ERROR, 'rollback'),
  kind('F25-continue', 'cb-spider', ERROR, 'continue'),
  kind('F25-refine', 'cb-spider', ERROR, 'refine'),
  kind('F25-other-words', 'cb-spider', 'Ooops, etwas ist schiefgegangen', 'rollback'),
  kind('F25-counted-words', 'cb-spider', 'fatal: worker crashed, incident {n}', 'rollback'),
  kind(
    'F25-openstack',
    'openstack',
    'Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/',
    'rollback',
  ),
  kind('F25-aws', 'aws', 'An internal error has occurred', 'rollback'),
];
