import { parseInstanceId } from '../../functions/model/identifiers.ts';
import { openEngineClients } from '../measure/local-clients.ts';
import { readFleetStarts, readMessageTimes } from './launch-times.ts';
import type { InstancePath } from './paths.ts';
import type { EngineRun } from './run.ts';

/**
 * Reads the times of all steps of each instance. Leaves out instances that did not run, or of which a time is
 * not known.
 */
export async function readPaths({
  stack,
  provisioned,
  beganMs,
  upMs,
  recordedMs,
}: EngineRun): Promise<InstancePath[]> {
  const { outputs } = stack;
  const machine = (name: string) => {
    const arn = outputs[name];
    if (arn === undefined) throw new Error(`the stack has no ${name}`);
    return arn;
  };
  const span = { fromMs: beganMs, toMs: upMs };
  const clients = openEngineClients(stack);
  try {
    const accepted = await readFleetStarts(clients.sfn, machine('ProvisionFleetArn'), span);
    const { sent, received } = await readMessageTimes(clients.logs, span);
    const booked = new Map(
      provisioned.books
        .instances()
        .flatMap(({ tags, acceptedAt, runningAt }) =>
          runningAt === undefined
            ? []
            : [
                [
                  tags['fleetwright:instance'],
                  { createdMs: Date.parse(acceptedAt), ranMs: Date.parse(runningAt) },
                ],
              ],
        ),
    );
    const paths: InstancePath[] = [];
    for (const [id, atMs] of recordedMs) {
      const acceptedMs = accepted.get(parseInstanceId(id)?.fleetId ?? '');
      const [sentMs, receivedMs, book] = [sent.get(id), received.get(id), booked.get(id)];
      if (acceptedMs === undefined || sentMs === undefined || receivedMs === undefined || !book) continue;
      paths.push({ askedMs: beganMs, acceptedMs, sentMs, receivedMs, ...book, recordedMs: atMs });
    }
    return paths;
  } finally {
    clients.close();
  }
}
