import assert from 'node:assert/strict';
import { has, type WriterMark } from '../../../functions/drivers/contract/capabilities.ts';
import { assertions } from '../suite/assertion.ts';
import { inTime, sorted } from '../suite/checks.ts';
import type { Lab } from '../suite/lab.ts';

const SINCE_MS = 1_700_000_000_000;

/**
 * Removes the writer marks of an earlier run, and returns a client for writer marks. A mark in an account
 * records that a deployment uses the account.
 */
async function marksOf(lab: Lab, deploymentId?: string) {
  const client = lab.connect(deploymentId === undefined ? {} : { deploymentId });
  assert.ok(has(client, 'writer-marks'));
  for (const { writerId } of await client.listWriterMarks()) await client.removeWriterMark(writerId);
  return client;
}

const mark = (writerId: string, renewedAtMs = SINCE_MS): WriterMark => ({
  writerId,
  sinceMs: SINCE_MS,
  renewedAtMs,
});

export const MARKS = assertions([
  {
    id: 'marks.seen',
    title:
      'two writers with the same deployment id each list both marks, and another deployment lists neither',
    needs: 'writer-marks',
    async run(lab) {
      const one = await marksOf(lab);
      const other = await marksOf(lab);
      const stranger = await marksOf(lab, 'contract-suite-2');
      await inTime('putWriterMark', one.putWriterMark(mark('writer-one')));
      await other.putWriterMark(mark('writer-two'));
      for (const client of [one, other]) {
        const marks = await inTime('listWriterMarks', client.listWriterMarks());
        assert.deepEqual(sorted(marks.map(({ writerId }) => writerId)), ['writer-one', 'writer-two']);
      }
      assert.deepEqual(await stranger.listWriterMarks(), []);
      await one.removeWriterMark('writer-one');
      await other.removeWriterMark('writer-two');
    },
  },
  {
    id: 'marks.renewed',
    title:
      'a renewed mark exists only once, with its latest time, and a repeated removal of the mark succeeds',
    needs: 'writer-marks',
    async run(lab) {
      const client = await marksOf(lab);
      for (const renewedAtMs of [SINCE_MS, SINCE_MS + 60_000, SINCE_MS + 60_000])
        await client.putWriterMark(mark('writer-one', renewedAtMs));
      assert.deepEqual(await client.listWriterMarks(), [mark('writer-one', SINCE_MS + 60_000)]);
      await client.removeWriterMark('writer-one');
      await inTime('removeWriterMark', client.removeWriterMark('writer-one'));
      assert.deepEqual(await client.listWriterMarks(), []);
    },
  },
  {
    id: 'marks.pages',
    title: 'every mark is listed, renewed and removed although the list of the marks needs several pages',
    needs: 'writer-marks',
    async run(lab) {
      const client = await marksOf(lab);
      const writers = Array.from({ length: lab.cloud.moreThanAPage }, (_, at) => `writer-${at}`);
      for (const writer of writers) await client.putWriterMark(mark(writer));
      for (const writer of writers) await client.putWriterMark(mark(writer, SINCE_MS + 60_000));
      const listed = await client.listWriterMarks();
      assert.deepEqual(sorted(listed.map(({ writerId }) => writerId)), writers);
      assert.ok(listed.every(({ renewedAtMs }) => renewedAtMs === SINCE_MS + 60_000));
      for (const writer of writers) await client.removeWriterMark(writer);
      assert.deepEqual(await client.listWriterMarks(), []);
    },
  },
]);
