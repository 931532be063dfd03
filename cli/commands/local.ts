import * as z from 'zod';
import { command, noun } from '../shell/command.ts';
import { EXIT } from '../shell/exit.ts';
import { LOG_PARTS } from '../shell/local-stack.ts';
import { fields, table } from '../shell/table.ts';

export const localNoun = noun('local', 'Fleetwright on this machine, with simulated clouds', [
  command({
    name: 'up',
    summary: 'Start the local stack if it does not run, and deploy what changed',
    flags: [
      ['--sim-config <file>', 'YAML file that configures the simulated clouds when they start'],
      ['--seed <number>', 'seed of the random numbers of the simulated clouds when they start'],
    ],
    examples: ['local up', 'local up --json', 'local up --seed 7 --sim-config clouds.yaml'],
    input: z.object({ simConfig: z.string().optional(), seed: z.coerce.number().int().optional() }),
    async run({ simConfig, seed }, { world, say }) {
      const document = await world.local.up({
        ...(simConfig === undefined ? {} : { simConfig }),
        ...(seed === undefined ? {} : { seed }),
        say,
      });
      const text = fields([
        ['API', document.apiUrl],
        ['API key', document.apiKey],
        ['Simulated clouds', document.simUrl],
        ['Engine', document.engineUrl],
        ['Namespace', document.namespace],
      ]);
      return {
        document,
        text: `${text}\nOther commands use this stack without further settings, for example: fleetwright connection list\nWith --json, the output includes the keys of the engine and the simulated clouds.\n`,
      };
    },
  }),
  command({
    name: 'down',
    summary: 'Stop what `local up` started',
    flags: [['--purge', 'also remove all data of the local stack']],
    examples: ['local down', 'local down --purge'],
    input: z.object({ purge: z.boolean().default(false) }),
    async run({ purge }, { world, say }) {
      const document = await world.local.down({ purge, say });
      const text =
        document.stopped.length > 0 ? `Stopped: ${document.stopped.join(', ')}\n` : 'Nothing was running.\n';
      return { document, text };
    },
  }),
  command({
    name: 'status',
    summary: 'Show which parts of the local stack run. Exits with 1 if any part does not run',
    examples: ['local status', 'local status --json'],
    input: z.object({}),
    async run(_, { world }) {
      const document = await world.local.status();
      const parts = [
        ['engine', document.engine],
        ['simulated clouds', document.clouds],
        ['API', document.api],
      ] as const;
      return {
        document,
        text: table(
          ['part', 'status', 'url', 'pid'],
          parts.map(([name, part]) => [name, part.running ? 'running' : 'stopped', part.url, part.pid]),
        ),
        exitCode: document.state === 'running' ? EXIT.done : EXIT.otherwise,
      };
    },
  }),
  command({
    name: 'logs',
    summary: 'Print the last lines of the local stack’s logs, part by part',
    arguments: [['[part]', `${LOG_PARTS.join(', ')} (default: all)`]],
    flags: [['--lines <count>', 'number of lines to print from the end of each log (50)']],
    examples: ['local logs', 'local logs functions --lines 200'],
    input: z.object({
      part: z.enum(LOG_PARTS).optional(),
      lines: z.coerce.number().int().min(1).max(10_000).default(50),
    }),
    async run({ part, lines }, { world }) {
      const items = await world.local.logs({ lines, ...(part === undefined ? {} : { part }) });
      const text = items
        .map((one) => `${part === undefined ? `${one.part.padEnd(9)}  ` : ''}${one.line}\n`)
        .join('');
      return { document: { items }, text };
    },
  }),
]);
