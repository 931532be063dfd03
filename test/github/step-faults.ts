import type { Stage } from '../../.ci/steps.ts';

/** The steps of `.ci/steps.ts`: the steps for each change, and the steps that `--nightly` selects. */
export interface StepLists {
  readonly change: readonly Stage[];
  readonly nightly: readonly Stage[];
}

export interface Workflow {
  /** Path relative to the root of the repository. */
  readonly path: string;
  readonly text: string;
}

const COMMENT = /^\s*#/;
const ONLY = /--only\b(?:[ =]+('[^']*'|"[^"]*"|[\w-]+))?/g;

/**
 * Compares the steps that workflows name after `--only` with the steps of `.ci/run`. A line with `--nightly`
 * names steps of the nightly list. Does no I/O.
 *
 * @returns one line for each name that `.ci/run` does not have, and one for each step that no workflow names
 */
export function findStepFaults(workflows: readonly Workflow[], steps: StepLists): string[] {
  const named = workflows.flatMap(stepsNamedIn);
  const unnamed = Object.entries(namesOf(steps)).flatMap(([list, names]) =>
    names
      .filter((step) => !named.some((one) => one.list === list && one.step === step))
      .map((step) => `no workflow runs the step "${step}" of the list ${list} in .ci/steps.ts`),
  );
  const unknown = named.flatMap(({ at, list, step }) => {
    if (step === undefined) return [`${at}: write the name of the step after --only`];
    if (namesOf(steps)[list].includes(step)) return [];
    return [`${at}: the list ${list} in .ci/steps.ts has no step "${step}"`];
  });
  return [...unknown, ...unnamed];
}

interface NamedStep {
  readonly at: string;
  readonly list: keyof StepLists;
  /** Undefined if the line has an expression instead of a name. */
  readonly step: string | undefined;
}

function stepsNamedIn({ path, text }: Workflow): NamedStep[] {
  return text.split('\n').flatMap((line, index) => {
    if (COMMENT.test(line)) return [];
    const list = line.includes('--nightly') ? ('nightly' as const) : ('change' as const);
    const at = `${path}:${index + 1}`;
    return [...line.matchAll(ONLY)].map(([, name]) => ({
      at,
      list,
      step: name?.replace(/^['"]|['"]$/g, ''),
    }));
  });
}

function namesOf({ change, nightly }: StepLists): Record<keyof StepLists, string[]> {
  const names = (stages: readonly Stage[]) => stages.flat(2).map(({ name }) => name);
  return { change: names(change), nightly: names(nightly) };
}
