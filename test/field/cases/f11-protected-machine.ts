import assert from 'node:assert/strict';
import type { DriverName } from '../../../functions/model/connection.ts';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { allWorlds } from '../harness/every-driver.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { refusal } from '../worlds/ec2/xml.ts';

const MINUTE_MS = 60_000;
const PROTECTED_MS = 20 * MINUTE_MS;

interface Refusing {
  driver: Exclude<DriverName, 'sim'>;
  call: string;
  words: string;
  answer(words: string): Response;
}

const EC2: Refusing = {
  driver: 'aws',
  call: 'TerminateInstances',
  words:
    "The instance 'i-1' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
  answer: (words) => refusal(400, 'OperationNotPermitted', words),
};
const NOVA: Refusing = {
  driver: 'openstack',
  call: 'DELETE nova /servers/*',
  words: 'Instance 0f1e1d00-0000-4000-8000-000000000010 is locked',
  answer: (message) => Response.json({ conflictingRequest: { code: 409, message } }, { status: 409 }),
};
const SPIDER: Refusing = {
  driver: 'cb-spider',
  call: 'DELETE vm',
  words: 'InvalidInstance.Protected: the instance is protected from deletion',
  answer: (message) => Response.json({ message }, { status: 500 }),
};

/** Deletes a fleet whose machines the cloud refuses to remove for 20 minutes. */
function play({ driver, call, words, answer }: Refusing): () => Promise<void> {
  return () =>
    inField({ worlds: allWorlds }, async ({ stage, user, worlds, ground }) => {
      const site = SITES[driver];
      const { script } = worlds[driver];
      await user.makeNamespace();
      await user.connect('cloud', site);
      const fleet = await stage.create(user.order('web', 'cloud', site, 2));
      await stage.until(fleet.id, ({ status }) => status === 'Running');
      const met = script.trouble({ call, answer: () => answer(words) });
      const askedAtMs = ground.now();
      await stage.remove(fleet.id);
      const told = await stage.until(fleet.id, ({ waiting }) => (waiting ?? []).length > 0);
      assert.ok(
        ground.now() < askedAtMs + MINUTE_MS,
        'the fleet did not say within a minute why its removal is stuck',
      );
      assertIs('status of the fleet', told.status, 'Terminating');
      const [reason] = told.waiting ?? [];
      assertIs('reason', reason?.why, 'removal');
      assert.ok(
        reason?.message.includes(words),
        `the fleet does not show the cloud's words: ${reason?.message}`,
      );
      await ground.sleep(askedAtMs + PROTECTED_MS - ground.now());

      const [waiting] = (await stage.read(fleet.id)).waiting ?? [];
      assertIs('instances that cannot be removed', waiting?.instances, 2);
      assert.ok((waiting?.tries ?? 0) >= 5, `the fleet shows ${waiting?.tries} tries`);
      assert.ok(Date.parse(waiting?.since ?? '') < askedAtMs + MINUTE_MS, `since ${waiting?.since}`);
      assert.ok(Date.parse(waiting?.nextTryAt ?? '') > ground.now(), `next try at ${waiting?.nextTryAt}`);
      for (const { status, stuck } of await user.instances(fleet)) {
        assertIs('status of the instance', status, 'Terminating');
        assert.ok(stuck?.message.includes(words), `the instance does not show the cloud's words`);
      }
      const calls = script.calls(call, askedAtMs).length;
      assert.ok(
        calls <= 2 * 16,
        `${calls} removal calls for 2 machines in 20 minutes: the delay does not grow`,
      );
      assert.equal((await user.connection('cloud')).status, 'Ready');

      // A user who deletes the fleet again does not wait for the end of the delay.
      await ground.sleep(2 * MINUTE_MS);
      met.end();
      const liftedAtMs = ground.now();
      await stage.remove(fleet.id);
      await stage.until(fleet.id, ({ status }) => status === 'Terminated');
      assert.ok(
        ground.now() < liftedAtMs + MINUTE_MS,
        `the fleet was gone ${ground.now() - liftedAtMs} ms after the protection was lifted`,
      );
      assertMet('refused removals', met, 4);
    });
}

/** The delay ends by itself within five minutes after the protection was lifted. */
async function lifted(): Promise<void> {
  await inField({ worlds: allWorlds }, async ({ stage, user, worlds, ground }) => {
    const { driver, call, words, answer } = EC2;
    const site = SITES[driver];
    await user.makeNamespace();
    await user.connect('cloud', site);
    const fleet = await stage.create(user.order('web', 'cloud', site, 2));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    const met = worlds[driver].script.trouble({ call, answer: () => answer(words) });
    await stage.remove(fleet.id);
    await ground.sleep(PROTECTED_MS);
    met.end();
    const liftedAtMs = ground.now();
    const ended = await stage.until(fleet.id, ({ status }) => status === 'Terminated');
    assert.ok(ground.now() < liftedAtMs + 6 * MINUTE_MS, 'the removal was not tried again within 5 minutes');
    assertIs('reasons of a fleet that has ended', ended.waiting, []);
    assertMet('refused removals', met, 4);
  });
}

/** Before the fix, the calls were repeated every five seconds, and nothing said why. */
export const f11: FieldCase[] = [
  {
    id: 'F11',
    title: 'a machine with termination protection stays Terminating, and says why and when it is tried again',
    play: play(EC2),
  },
  { id: 'F11-openstack', title: 'a locked server stays Terminating and says why', play: play(NOVA) },
  { id: 'F11-cb-spider', title: 'a protected machine behind CB-Spider says why', play: play(SPIDER) },
  {
    id: 'F11-lifted',
    title: 'a removal goes on within minutes after the protection was lifted',
    play: lifted,
  },
];
