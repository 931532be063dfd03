import { AwsRefusal } from '../shell/aws-calls.ts';

export type FindingStatus = 'ok' | 'warning' | 'problem' | 'unknown';

/** One result of `deployment check`. `whatToDo` is empty if there is nothing to do. */
export interface Finding {
  id: string;
  status: FindingStatus;
  found: string;
  needed: string;
  whatToDo: string;
}

/** What one check measures, before AWS has answered. */
export interface Probe {
  id: string;
  needed: string;
  /** Asks AWS. `needed` may replace that of the probe, once AWS's answers show what is needed. */
  ask(): Promise<Omit<Finding, 'id' | 'needed'> & { needed?: string }>;
}

/**
 * Runs a check. If AWS does not answer it, the finding is `unknown` and names the missing right or the error. So one
 * missing right never ends the whole command.
 */
export async function runProbe({ id, needed, ask }: Probe): Promise<Finding> {
  try {
    const { status, found, whatToDo, needed: instead = needed } = await ask();
    return { id, status, found, needed: instead, whatToDo };
  } catch (error) {
    if (!(error instanceof AwsRefusal)) throw error;
    const { status, found, whatToDo } = unknown(error);
    return { id, status, found, needed, whatToDo };
  }
}

function unknown({ kind, action, message }: AwsRefusal): Omit<Finding, 'id' | 'needed'> {
  const status = 'unknown';
  switch (kind) {
    case 'denied':
      return {
        status,
        found: `not known: the right ${action} is missing`,
        whatToDo: `Allow ${action} for this AWS user or role; docs/operations/deployment.md has the whole policy.`,
      };
    case 'unsupported':
      return {
        status,
        found: `not known: the endpoint does not support ${action}`,
        whatToDo:
          'Nothing on a local engine. On AWS, run the command again in a region that has this service.',
      };
    case 'absent':
    case 'failed':
    case 'unreachable':
      return {
        status,
        found: `not known: ${action} failed with ${message}`,
        whatToDo: `Run the command again. If ${action} fails again, look in the AWS console.`,
      };
  }
}

export const ok = (found: string) => ({ status: 'ok' as const, found, whatToDo: '' });
export const warning = (found: string, whatToDo: string) => ({ status: 'warning' as const, found, whatToDo });
export const problem = (found: string, whatToDo: string) => ({ status: 'problem' as const, found, whatToDo });

/** Formats a number with thousands separators, and at most one decimal. */
export const figure = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 });
