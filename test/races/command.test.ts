import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MOVES } from './moves.ts';

const COMMAND = join(import.meta.dirname, 'races.ts');

it.each(['listFleets', 'noSuchOperation'])(
  '`--pair %s` ends with exit code 2 and one line that lists the operations of the races',
  (name) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, '--pair', name], {
      encoding: 'utf8',
    });
    const start = `error: no pair of operations has '${name}' in its name; use one of: `;
    expect(stderr).toBe(`${start}${[...new Set(MOVES.map(({ id }) => id))].join(', ')}\n`);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  },
);
