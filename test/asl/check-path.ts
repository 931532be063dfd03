import { deepStrictEqual, ok } from 'node:assert/strict';
import type { Observation, Path } from './path.ts';
import { countBy } from './trace.ts';

/**
 * Compares what the interpreter of ours did with what the path expects, and what LocalStack's interpreter did with what
 * ours did.
 *
 * @throws AssertionError with the difference
 */
export function checkPath(path: Path, localStack: Observation, own: Observation): void {
  checkExpected(path, own);
  const [theirs, ours] = [comparable(localStack), comparable(own)];
  if (!path.repeatsTasks) {
    deepStrictEqual(theirs, ours);
    return;
  }
  deepStrictEqual(withoutRepetitions(theirs), withoutRepetitions(ours));
  const sent = countBy(theirs.messages, (message) => message);
  for (const [message, times] of Object.entries(countBy(ours.messages, (one) => one))) {
    ok((sent[message] ?? 0) >= times, `sent less than ${times} times: ${message}`);
  }
}

function checkExpected({ expected }: Path, { outcome, messages, invocations, started }: Observation): void {
  const named = Object.keys(expected.outcome);
  const seen = {
    outcome: Object.fromEntries(Object.entries(outcome).filter(([field]) => named.includes(field))),
    messages: countBy(messages, (message) => /"kind":"([\w-]+)"/.exec(message)?.[1] ?? message),
    invocations: countBy(invocations, (invocation) => invocation.split(' ')[0] ?? invocation),
    started,
  };
  deepStrictEqual(seen, { ...expected, started: expected.started ?? started });
}

/** Names of errors that LocalStack's interpreter uses where AWS and the interpreter of ours use another. */
const THEIR_NAMES: Readonly<Record<string, string>> = {
  // Heartbeats have stopped.
  'States.HeartbeatTimeout': 'States.Timeout',
  // An expression cannot be evaluated.
  'States.QueryEvaluationError': 'States.Runtime',
};

/** Leaves out what differs on purpose: the words of a failure, and the names of those errors. */
function comparable({ outcome, messages, invocations, started }: Observation): Observation {
  const inTheirWords = (text: string) =>
    Object.entries(THEIR_NAMES).reduce((now, [name, theirs]) => now.replaceAll(name, theirs), text);
  return {
    outcome: outcome.status === 'SUCCEEDED' ? outcome : { ...outcome, cause: '' },
    messages: messages.map(inTheirWords).toSorted(),
    invocations: invocations.map(inTheirWords).toSorted(),
    started,
  };
}

function withoutRepetitions({ messages, ...rest }: Observation): Observation {
  return { ...rest, messages: [...new Set(messages)] };
}
