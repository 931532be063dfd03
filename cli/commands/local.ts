import { z } from 'zod';
import { command, noun } from '../command.ts';
import { EXIT } from '../exit.ts';
import { fields, table } from '../table.ts';

export const localNoun = noun('local', 'The whole of Fleetwright on this machine, with simulated clouds', [
  command({
    name: 'up',
    summary: 'Start the local stack, or find it running, and deploy to it',
    flags: [['--sim-config <file>', 'YAML that sets up the simulated clouds']],
    examples: ['local up', 'local up --json', 'local up --sim-config clouds.yaml'],
    input: z.object({ simConfig: z.string().optional() }),
    async run({ simConfig }, { world, say }) {
      const document = await world.local.up({ simConfig, say });
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
    examples: ['local down'],
    input: z.object({}),
    async run(_, { world, say }) {
      const document = await world.local.down({ say });
      const text =
        document.stopped.length > 0 ? `Stopped: ${document.stopped.join(', ')}\n` : 'Nothing was running.\n';
      return { document, text };
    },
  }),
  command({
    name: 'status',
    summary: 'Tell what of the local stack runs. Ends with 1 when not all of it does',
    examples: ['local status --json'],
    input: z.object({}),
    async run(_, { world }) {
      const document = await world.local.status();
      return {
        document,
        text: table(
          ['part', 'status', 'url', 'pid'],
          document.parts.map((part) => [part.name, part.status, part.url, part.pid]),
        ),
        exitCode: document.running ? EXIT.done : EXIT.otherwise,
      };
    },
  }),
  command({
    name: 'logs',
    summary: 'Print the logs of the local stack',
    flags: [
      ['--follow', 'and go on until Ctrl-C'],
      ['--lines <count>', 'how many of the last lines (200)'],
    ],
    examples: ['local logs', 'local logs --follow'],
    input: z.object({
      follow: z.boolean().default(false),
      lines: z.coerce.number().int().min(1).max(100_000).default(200),
    }),
    async run({ follow, lines }, { world, json }) {
      const stop = new AbortController();
      const stopListening = world.onInterrupt(() => stop.abort());
      const collected: string[] = [];
      const write = (text: string) => (json ? collected.push(text) : world.stdout.write(text));
      try {
        await world.local.logs({ follow, lines, write, signal: stop.signal });
      } finally {
        stopListening();
      }
      return { document: { logs: collected.join('') }, text: '' };
    },
  }),
]);
