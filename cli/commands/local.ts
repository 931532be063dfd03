import { z } from 'zod';
import { command, noun } from '../shell/command.ts';
import { EXIT } from '../shell/exit.ts';
import { LOG_PARTS } from '../shell/local-stack.ts';
import { fields, table } from '../shell/table.ts';

export const localNoun = noun('local', 'The whole of Fleetwright on this machine, with simulated clouds', [
  command({
    name: 'up',
    summary: 'Start the local stack, or find it running, and deploy what changed',
    flags: [
      ['--sim-config <file>', 'YAML that sets up the simulated clouds, at their start'],
      ['--seed <number>', 'of the simulated clouds’ chance, at their start'],
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
        text: `${text}\nOther commands find it by themselves: fleetwright connection list\nWith --json, the keys of engine and simulated clouds are told, too.\n`,
      };
    },
  }),
  command({
    name: 'down',
    summary: 'Stop what `local up` started',
    flags: [['--purge', 'and remove all that it kept']],
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
    summary: 'Tell what of the local stack runs. Ends with 1 when not all of it does',
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
    summary: 'Print the last lines that the local stack logged, part by part',
    arguments: [['[part]', `${LOG_PARTS.join(', ')}; all without it`]],
    flags: [['--lines <count>', 'how many of the last lines of each part (50)']],
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
