import { expect, it } from 'vitest';
import type { AuditEntry } from '../../../functions/model/audit-entry.ts';
import { cli, START_MS } from './world.ts';

const LOG = '/v1/namespaces/default/audit';
const entry = (more: Partial<AuditEntry> = {}): AuditEntry => ({
  id: '01k5r3x9aq2b7c4d',
  at: '2026-01-01T00:00:00.000Z',
  type: 'fleet.delete',
  namespace: 'default',
  actor: { kind: 'key', name: '0123456789ab' },
  target: { kind: 'fleet', name: 'web-global', id: 'f0123456789abcdef' },
  result: 'succeeded',
  requestId: 'request-7',
  source: { ip: '192.0.2.7', userAgent: 'curl' },
  ...more,
});
const queryOf = (path: string | undefined) => Object.fromEntries(new URLSearchParams(path?.split('?')[1]));

it('`audit list` sends its filters, reads times ago, and prints who did what to what', async () => {
  const { exitCode, stdout, asked } = await cli(
    [
      'audit',
      'list',
      '--action',
      'fleet.*',
      '--actor',
      'key',
      '--target',
      'fleet/web-global',
      '--since',
      '24h',
    ],
    { answers: { [`GET ${LOG}`]: { body: { items: [entry()], cursor: null } } } },
  );
  expect(exitCode).toBe(0);
  expect(queryOf(asked[0]?.path)).toMatchObject({
    type: 'fleet.*',
    actor: 'key',
    target: 'fleet/web-global',
    since: new Date(START_MS - 86_400_000).toISOString(),
  });
  expect(stdout).toMatch(
    /key\/0123456789ab +fleet\.delete +fleet\/web-global +succeeded +192\.0\.2\.7 +request-7/,
  );
});

it('`audit list --all` reads the logs of all namespaces', async () => {
  const { asked } = await cli(['audit', 'list', '--all', '--result', 'refused'], {
    answers: { 'GET /v1/audit': { body: { items: [], cursor: null } } },
  });
  expect(asked[0]?.path).toMatch(/^\/v1\/audit\?/);
});

it('`audit list` refuses a time that it cannot read, and says which ones it reads', async () => {
  const { exitCode, stderr } = await cli(['audit', 'list', '--since', 'yesterday']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--since: must be a time such as 2026-01-31T12:00:00Z, or a time ago such as 90m');
});

it('`audit export` prints the entries of all pages as JSON lines, and nothing else', async () => {
  const [first, second] = [entry(), entry({ id: '01k5r3x9aq2b7c4c', result: 'refused' })];
  const { exitCode, stdout, asked } = await cli(['audit', 'export'], {
    answers: {
      [`GET ${LOG}`]: ({ path }) =>
        path.includes('cursor=next')
          ? { body: { items: [second], cursor: null } }
          : { body: { items: [first], cursor: 'next' } },
    },
  });
  expect(exitCode).toBe(0);
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([first, second]);
  expect(queryOf(asked[0]?.path)['until']).toBe(new Date(START_MS).toISOString());
});
