import { z } from 'zod';
import { command, noun } from '../command.ts';
import { EXIT } from '../exit.ts';
import { LOG_PARTS } from '../local-stack.ts';
import { fields, table } from '../table.ts';

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
        report: say,
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
        text: `${text}\nOther commands find it by themselves: fleetwright connection list\n`,
      };
    },
  }),
  command({
    name: 'down',
    summary: 'Stop what `local up` started',
    flags: [['--purge', 'and remove all that it kept']],
    examples: ['local down', 'local down --purge'],
    input: z.object({ purge: z.boolean().default(false) }),
    async run(input, { world }) {
      const document = await world.local.down(input);
      const text =
        document.ended.length > 0 ? `Stopped: ${document.ended.join(', ')}\n` : 'Nothing was running.\n';
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
        ['simulated clouds', document.sim],
        ['API', document.api],
      ] as const;
      const all = parts.every(([, part]) => part?.running);
      return {
        document,
        text: table(
          ['part', 'status', 'url'],
          parts.map(([name, part]) => [name, part?.running ? 'running' : 'stopped', part?.url]),
        ),
        exitCode: all ? EXIT.done : EXIT.otherwise,
      };
    },
  }),
  command({
    name: 'logs',
    summary: 'Print a log of the local stack',
    arguments: [['[part]', 'engine (which runs the functions), sim or cdk; engine without it']],
    flags: [
      ['--follow', 'and go on until Ctrl-C'],
      ['--lines <count>', 'how many of the last lines (200)'],
    ],
    examples: ['local logs', 'local logs sim --follow'],
    input: z.object({
      part: z.enum(LOG_PARTS).default('engine'),
      follow: z.boolean().default(false),
      lines: z.coerce.number().int().min(1).max(100_000).default(200),
    }),
    async run(input, { world, json }) {
      const stop = new AbortController();
      const stopListening = world.onInterrupt(() => stop.abort());
      const collected: string[] = [];
      const write = (text: string) => {
        if (json) collected.push(text);
        else world.stdout.write(text);
      };
      try {
        await world.local.logs({ ...input, write, signal: stop.signal });
      } finally {
        stopListening();
      }
      return { document: { part: input.part, text: collected.join('') }, text: '' };
    },
  }),
]);
