import { Command } from 'commander';
import { CASES } from './cases/index.ts';
import { wordsOf } from './harness/tell-error.ts';

interface Flags {
  case?: string[];
  json: boolean;
}

const say = (line: string) => process.stderr.write(`${line}\n`);
const tell = (line: string) => process.stdout.write(`${line}\n`);

/**
 * Returns true if the user chose the case. `F28` chooses `F28-aws` and all other cases that begin with
 * `F28-`.
 */
function isChosen(id: string, wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || wanted.some((one) => id === one || id.startsWith(`${one}-`));
}

async function main({ case: wanted, json }: Flags): Promise<number> {
  const chosen = CASES.filter(({ id }) => isChosen(id, wanted));
  if (chosen.length === 0) {
    say(`there is no case ${wanted?.join(', ')}; the cases are: ${CASES.map(({ id }) => id).join(', ')}`);
    return 2;
  }
  const failures: { case: string; message: string }[] = [];
  for (const { id, title, play } of chosen) {
    const startMs = performance.now();
    const error: unknown = await play().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    say(`${error === undefined ? 'passed' : 'FAILED'} ${id} (${seconds} s): ${title}`);
    if (error !== undefined) {
      const message = wordsOf(error);
      say(`  ${message}`);
      failures.push({ case: id, message });
    }
  }
  const cases = chosen.length;
  const failed = failures.length;
  const passed = cases - failed;
  tell(
    json
      ? JSON.stringify({ cases, passed, failed, failures })
      : `${cases} cases: ${passed} passed, ${failed} failed`,
  );
  return failed > 0 ? 1 : 0;
}

const program = new Command('field')
  .description(
    'Play cases from the field (problems that users had at clouds) in virtual time. The whole control plane and its real drivers run against scripted clouds.',
  )
  .option('--case <id...>', 'play only these cases, such as F24; F28 plays F28-aws, F28-sim and so on')
  .option('--json', 'print the result as one line of JSON on standard output', false)
  .addHelpText('after', `\nCases:\n${CASES.map(({ id, title }) => `  ${id}  ${title}`).join('\n')}`)
  .action(async (flags: Flags) => {
    process.exitCode = await main(flags);
  });
await program.parseAsync();
