import assert from 'node:assert/strict';
import type { InstanceSpec } from '../../../functions/drivers/contract/driver.ts';
import { assertions } from '../suite/assertion.ts';
import type { SentOptions } from '../suite/harness.ts';
import type { Lab } from '../suite/lab.ts';

/** Creates a machine, and returns the options that the cloud got. */
async function sentFor(lab: Lab, over: Partial<InstanceSpec>): Promise<SentOptions> {
  const spec = await lab.spec(over);
  lab.proxy.seen.length = 0;
  await lab.client.createInstance(spec);
  const sent = lab.proxy.seen.flatMap(({ request }) => lab.cloud.optionsOf?.(request) ?? []);
  const [first] = sent;
  assert.ok(first && sent.length === 1, `${sent.length} create requests`);
  return first;
}

export const OPTIONS = assertions([
  {
    id: 'options.tags',
    title: 'the tags of a spec reach the machine, together with the tags of the driver',
    needs: 'tags',
    async run(lab) {
      const tags = { team: 'search', 'cost-center': 'a1 & b2', 'fleetwright:fleet': 'web' };
      const sent = await sentFor(lab, { tags });
      for (const [key, value] of Object.entries(tags)) assert.equal(sent.tags[key], value);
      assert.ok(sent.tags['fleetwright:deployment'], 'the machine has no tag of its deployment');
    },
  },
  {
    id: 'options.user-data-bytes',
    title: 'user data that is no text reaches the cloud unchanged',
    needs: 'user-data',
    async run(lab) {
      const bytes = Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff, 0xfe, 0x80]);
      const spec = await lab.spec({ userDataBase64: bytes.toString('base64') });
      lab.proxy.seen.length = 0;
      await lab.client.createInstance(spec);
      const sent = lab.proxy.seen.flatMap(({ request }) => lab.cloud.userDataOf?.(request) ?? []);
      assert.deepEqual(sent, [bytes]);
    },
  },
  {
    id: 'options.identity',
    title: 'a machine gets the identity of its spec, and no identity if the spec has none',
    needs: 'identity',
    async run(lab) {
      const { identity } = lab.cloud;
      assert.ok(identity, 'the harness has no identity');
      assert.equal((await sentFor(lab, { identity })).identity, identity);
      assert.equal((await sentFor(lab, {})).identity, undefined);
    },
  },
  {
    id: 'options.placement-group',
    title: 'a machine is put into the placement group of its spec, and into none if the spec has none',
    needs: 'placement-groups',
    async run(lab) {
      const { placementGroup } = lab.cloud;
      assert.ok(placementGroup, 'the harness has no placement group');
      assert.equal((await sentFor(lab, { placementGroup })).placementGroup, placementGroup);
      assert.equal((await sentFor(lab, {})).placementGroup, undefined);
    },
  },
  {
    id: 'options.metadata',
    title: 'the metadata service of a machine follows its spec',
    needs: 'metadata-options',
    async run(lab) {
      const sent = await sentFor(lab, { metadataOptions: { tokens: 'optional', hopLimit: 2 } });
      assert.deepEqual([sent.tokens, sent.hopLimit], ['optional', 2]);
      const usual = await sentFor(lab, {});
      assert.equal(usual.tokens ?? 'required', 'required');
    },
  },
]);
