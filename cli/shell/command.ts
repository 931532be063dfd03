import { Command } from 'commander';
import type * as z from 'zod';
import { type IssueError, issueErrors } from '../../functions/model/issue-text.ts';
import type { Context } from './context.ts';
import { type ExitCode, usageError } from './exit.ts';
import type { GlobalOptions } from './settings.ts';

/** The result of a command: a document for `--json`, and a text for people. */
export interface Outcome {
  document: unknown;
  text: string;
  exitCode?: ExitCode;
}

export type Flag = readonly [flags: string, description: string];

interface Spec<S extends z.ZodType> {
  name: string;
  /** Another name of the command. */
  alias?: string;
  summary: string;
  /** Arguments in Commander's syntax: `<name>`, `[name]`. */
  arguments?: readonly Flag[];
  /** A flag that may be repeated has `...` after its value. */
  flags?: readonly Flag[];
  /** Command lines without the leading `fleetwright`. */
  examples: readonly string[];
  /** Schema of arguments and flags together, by their camelCase names. */
  input: S;
  run(input: z.infer<S>, context: Context): Promise<Outcome>;
}

/**
 * A function that makes a command. When the user gives the command, the runner `run` is called with the
 * command's action.
 */
export type CommandPart = (run: Runner) => Command;
export type Runner = (
  command: Command,
  action: (context: Context) => Promise<Outcome>,
  globals: GlobalOptions,
) => Promise<void>;

/**
 * Makes a command from its specification. The schema parses the arguments and flags before the command runs.
 */
export function command<S extends z.ZodType>(spec: Spec<S>): CommandPart {
  return (run) => {
    const made = new Command(spec.name).description(spec.summary);
    if (spec.alias !== undefined) made.alias(spec.alias);
    for (const [flags, description] of spec.arguments ?? []) made.argument(flags, description);
    for (const [flags, description] of spec.flags ?? []) {
      if (flags.endsWith('...')) {
        made.option(flags.slice(0, -3), description, (value: string, earlier: string[] = []) => [
          ...earlier,
          value,
        ]);
      } else {
        made.option(flags, description);
      }
    }
    made.addHelpText('after', examplesText(spec.examples));
    return made.action(async () => {
      const globals = made.optsWithGlobals<GlobalOptions>();
      await run(
        made,
        async (context) => {
          const positional = made.registeredArguments.map((argument, at) => [
            camelCase(argument.name()),
            made.args[at],
          ]);
          const given = { ...made.opts(), ...Object.fromEntries(positional) };
          const parsed = spec.input.safeParse(given);
          if (!parsed.success) throw inputError(made, issueErrors(parsed.error, spec.input, given));
          return await spec.run(parsed.data, context);
        },
        globals,
      );
    });
  };
}

/** Makes the command of a noun, such as `fleet`. The verbs become subcommands, such as `fleet list`. */
export function noun(
  name: string,
  summary: string,
  verbs: readonly CommandPart[],
  alias?: string,
): CommandPart {
  return (run) => {
    const made = new Command(name).description(summary);
    if (alias !== undefined) made.alias(alias);
    for (const verb of verbs) made.addCommand(verb(run));
    return made;
  };
}

export const examplesText = (examples: readonly string[]): string =>
  `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${examples.map((line) => `  fleetwright ${line}\n`).join('')}`;

const camelCase = (name: string): string =>
  name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function inputError(made: Command, errors: readonly IssueError[]) {
  const details = errors.map(({ path, message }) => {
    const name = String(path[0] ?? '');
    const isArgument = made.registeredArguments.some((argument) => camelCase(argument.name()) === name);
    return `${isArgument ? `<${kebabCase(name)}>` : `--${kebabCase(name)}`}: ${message}`;
  });
  return usageError(
    'the arguments or flags of the command are wrong',
    `Run \`${pathOf(made)} --help\` to see the right ones.`,
    details,
  );
}

/** Returns a command's full name, such as `fleetwright fleet create`. */
export function pathOf(made: Command): string {
  return made.parent ? `${pathOf(made.parent)} ${made.name()}` : made.name();
}
