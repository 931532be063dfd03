import { expect, it } from 'vitest';
import type { WriterMark } from '../../../../functions/drivers/contract/capabilities.ts';
import type { Region } from '../../../../functions/drivers/openstack/region.ts';
import { listMarks, putMark, removeMark } from '../../../../functions/drivers/openstack/server-groups.ts';

interface Group {
  id: string;
  name: string;
}

/** The most groups that the fake returns on a page, like Nova's option `max_limit`. */
const MOST_ON_A_PAGE = 1_000;

/**
 * Returns a region of one OpenStack project, with a fake of Nova's API for server groups. Also returns the
 * region's server groups, and the HTTP methods of the calls. A mark says that a deployment (the writer) uses
 * the project. The driver keeps the mark in the name of a server group.
 */
function projectWith(groups: Group[] = [], mostOnAPage = MOST_ON_A_PAGE) {
  let made = groups.length;
  const calls: string[] = [];
  const region: Pick<Region, 'call' | 'remove'> = {
    async call(_service, { method, query = {}, body, answer }) {
      calls.push(method);
      if (method === 'GET') {
        const from = Number(query['offset']);
        const to = from + Math.min(Number(query['limit']), mostOnAPage);
        return answer.parse({ server_groups: groups.slice(from, to) });
      }
      made += 1;
      const group = { id: `group-${made}`, ...JSON.parse(JSON.stringify(body)).server_group };
      groups.push(group);
      return answer.parse({ server_group: group });
    },
    async remove(_service, path) {
      calls.push('DELETE');
      const at = groups.findIndex(({ id }) => id === path[1]);
      if (at >= 0) groups.splice(at, 1);
    },
  };
  return { region, groups, calls };
}

const mark = (writerId: string, renewedAtMs: number): WriterMark => ({
  writerId,
  sinceMs: 1_000,
  renewedAtMs,
});

it('renewing a mark creates a new server group and deletes the earlier group', async () => {
  const { region, groups } = projectWith();
  await putMark(region, 'acme', mark('one', 1_000));
  await putMark(region, 'acme', mark('one', 2_000));
  expect(groups).toHaveLength(1);
  expect(await listMarks(region, 'acme')).toEqual([mark('one', 2_000)]);
});

it('putMark writes nothing if an equal mark exists already', async () => {
  const { region, calls } = projectWith();
  await putMark(region, 'acme', mark('one', 1_000));
  calls.length = 0;
  await putMark(region, 'acme', mark('one', 1_000));
  expect(new Set(calls)).toEqual(new Set(['GET']));
});

it('listMarks returns only the newest mark of a writer whose earlier group was not deleted', async () => {
  const { region } = projectWith([
    { id: 'a', name: 'fw-acme-writer.one.1000.1000' },
    { id: 'b', name: 'fw-acme-writer.one.1000.2000' },
  ]);
  expect(await listMarks(region, 'acme')).toEqual([mark('one', 2_000)]);
});

it('marks are read from all pages, and removeMark keeps the groups of users, other deployments and other writers', async () => {
  const others = [
    ...Array.from({ length: 600 }, (_, at) => ({ id: `theirs-${at}`, name: `web-${at}` })),
    { id: 'x', name: 'fw-acme-2-writer.one.1.1' },
    { id: 'y', name: 'fw-acme-writer.two.1000.1000' },
  ];
  const { region, groups } = projectWith([...others]);
  await putMark(region, 'acme', mark('one', 1_000));
  expect((await listMarks(region, 'acme')).map(({ writerId }) => writerId).sort()).toEqual(['one', 'two']);
  await removeMark(region, 'acme', 'one');
  expect(groups).toEqual(others);
});

it('marks are read from all pages of a cloud that returns fewer groups on a page than the driver asks for', async () => {
  const users = ['a', 'b', 'c', 'd'].map((id) => ({ id, name: `web-${id}` }));
  const { region, groups } = projectWith(users, 3);
  await putMark(region, 'acme', mark('one', 1_000));
  await putMark(region, 'acme', mark('two', 1_000));
  await putMark(region, 'acme', mark('one', 2_000));
  expect((await listMarks(region, 'acme')).toSorted((a, b) => (a.writerId < b.writerId ? -1 : 1))).toEqual([
    mark('one', 2_000),
    mark('two', 1_000),
  ]);
  expect(groups).toHaveLength(6);
});

/** Returns a project with nine groups in which a user removes the first group after each of the first `times` pages. */
function projectThatShrinks(times: number) {
  const project = projectWith(
    [...'abcdefgh']
      .map((id) => ({ id, name: `web-${id}` }))
      .concat({ id: 'mark', name: 'fw-acme-writer.one.1000.1000' }),
    3,
  );
  const { region, groups } = project;
  let reads = 0;
  const shrinking: typeof region = {
    ...region,
    async call(service, call) {
      const answer = await region.call(service, call);
      reads += 1;
      if (reads <= times) groups.shift();
      return answer;
    },
  };
  return shrinking;
}

it('a list of groups that lost a group between two pages is read again, so that no mark is missed', async () => {
  expect(await listMarks(projectThatShrinks(1), 'acme')).toEqual([mark('one', 1_000)]);
});

it('listMarks fails as Unavailable if the list loses a group between two pages each time', async () => {
  await expect(listMarks(projectThatShrinks(6), 'acme')).rejects.toMatchObject({
    code: 'Unavailable',
  });
});
