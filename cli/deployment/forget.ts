import { resolve } from 'node:path';
import { eachItem } from '../../client/index.ts';
import { isClosedOrphan, type Orphan } from '../../functions/model/orphan.ts';
import { usageError } from '../shell/exit.ts';
import { many, pauseIn, type Run } from './destroy-run.ts';

/** Longest time to wait for the clouds' answers to create calls that are under way. */
const ANSWERS_MS = 2 * 60_000;
const LOOK_MS = 3_000;

export interface Forgotten {
  /** Absolute path of the file with the list. */
  file: string;
  machines: number;
  networks: number;
  findings: number;
}

/**
 * Writes the list of all machines and network resources that the deployment leaves behind. Launching must be paused.
 * First waits for the answers to create calls that are under way, for a limited time, so that the list has the ids of
 * their machines.
 *
 * @returns where the list is, after the disk has it
 * @throws CliError (wrong use) if the file exists or cannot be written; nothing is forgotten then
 */
export async function writeForgotten(run: Run, path: string | undefined): Promise<Forgotten> {
  const { context, tables, deployment, account } = run;
  const { world } = context;
  const endMs = world.now() + ANSWERS_MS;
  let possessions = await tables.readPossessions();
  while (possessions.machines.some(({ backendId }) => backendId === null) && world.now() < endMs) {
    context.say('waiting for the answers to create calls that are under way');
    await pauseIn(run, 'accepting', LOOK_MS);
    possessions = await tables.readPossessions();
  }
  const findings = await openFindings(run);
  const writtenAt = new Date(world.now()).toISOString();
  const file = resolve(
    path ?? `fleetwright-forgotten-${deployment.name}-${writtenAt.replaceAll(/[:.]/g, '-')}.json`,
  );
  const document = {
    deployment: deployment.name,
    deploymentId: await tables.deploymentId(),
    region: account.region,
    writtenAt,
    ...possessions,
    findings,
  };
  try {
    await world.writeNewFile(file, `${JSON.stringify(document, null, 2)}\n`);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw usageError(
      `the list of the machines that stay could not be written to ${file}: ${why === 'EEXIST' ? 'the file exists' : why}`,
      'Nothing was forgotten. Name another file with --forget-file.',
    );
  }
  const { machines, networks } = possessions;
  context.say(
    `${many(machines.length, 'machine')} and ${many(networks.length, 'network resource')} stay: ${file}`,
  );
  return { file, machines: machines.length, networks: networks.length, findings: findings.length };
}

/** Lists what sweeps found and no sweep has removed. */
async function openFindings(run: Run): Promise<Orphan[]> {
  const api = await run.api();
  const findings: Orphan[] = [];
  for await (const { name: namespace } of eachItem(api.listNamespaces, {})) {
    for await (const one of eachItem(api.listOrphans, { params: { namespace } })) {
      if (!isClosedOrphan(one.state)) findings.push(one);
    }
  }
  return findings;
}
