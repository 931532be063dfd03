import type { Standing } from '../shell/direct-tables.ts';
import type { StageNeeds } from '../shell/stage-needs.ts';
import { ABOUT_DISKS } from './destroy-disks.ts';
import { driversOf, whyUnreadable } from './destroy-fleets.ts';
import { type Blocker, many, type Run, type StepReport } from './destroy-run.ts';
import { parameterPrefix } from './destroy-secrets.ts';
import { keptText } from './kept-text.ts';
import { listParameters, listResources } from './list-all.ts';

interface PlanTerms {
  needs: StageNeeds;
  isForgetting: boolean;
  forgetDisks: boolean;
  deleteData: boolean;
}

/** What a removal would do, as far as tables and stack say. Reads only, and asks no cloud. */
export async function planRemoval(
  { account, deployment, tables }: Pick<Run, 'account' | 'deployment' | 'tables'>,
  { needs, isForgetting, forgetDisks, deleteData }: PlanTerms,
): Promise<StepReport[]> {
  const standing = await tables.readStanding();
  const { machines, networks, keptDisks } = await tables.readPossessions();
  const parameters = (await listParameters(account, parameterPrefix(deployment))).names.length;
  const resources = await listResources(account, deployment.name);
  const tableCount = resources.filter(({ type }) => type.startsWith('AWS::DynamoDB::')).length;
  const kept = needs.keepData && !deleteData ? tableCount : 0;
  const ending = await tables.readEnding();
  const blockers = unreadableOf(standing, driversOf({ deployment }));
  const { fleets, connections } = standing;
  const mustAsk = keptDisks.length > 0 && !forgetDisks && !isForgetting;
  const verified = connections.filter(({ verifiedAt }) => verifiedAt !== undefined).length;
  return [
    planned('accepting', {
      found: ending
        ? `the deployment accepts nothing new since ${ending.since}`
        : 'no new fleets and connections would be accepted, and launching would be paused',
      counts: { fleets: fleets.length },
    }),
    planned('fleets', {
      found: isForgetting
        ? `${many(machines.length, 'machine')} of ${many(fleets.length, 'fleet')} would stay, and be listed in a file`
        : `${many(fleets.length, 'fleet')} with ${many(machines.length, 'machine')} would be deleted`,
      counts: { fleets: fleets.length, instances: machines.length },
      blockers: isForgetting ? [] : blockers,
    }),
    planned('networks', {
      found: `${many(networks.length, 'network resource')} would ${isForgetting ? 'stay' : 'go with the fleets'}`,
      counts: { networks: networks.length },
    }),
    planned('clouds', {
      found: isForgetting
        ? 'no cloud would be asked'
        : `${many(verified, 'connection')} would be asked for lists, which must show nothing of this deployment${keptText(keptDisks, 'would stay')}`,
      counts: { connections: isForgetting ? 0 : verified, keptDisks: keptDisks.length },
      blockers: isForgetting ? [] : blockers,
    }),
    planned('secrets', {
      found: `${many(connections.length, 'connection')} and ${many(parameters, 'parameter')} would be deleted${keptText(keptDisks, 'would be forgotten')}`,
      counts: { connections: connections.length, parameters, keptDisks: keptDisks.length },
      whatToDo: mustAsk ? `The removal would ask here. ${ABOUT_DISKS}` : '',
    }),
    planned('stack', {
      found: `the stack with ${many(resources.length, 'resource')} would be deleted${kept > 0 ? `; ${many(kept, 'table')} would stay` : ''}`,
      counts: { resources: resources.length, tablesKept: kept },
    }),
  ];
}

function planned(
  step: StepReport['step'],
  {
    found,
    counts,
    blockers = [],
    whatToDo = '',
  }: Pick<StepReport, 'found' | 'counts'> & { blockers?: Blocker[]; whatToDo?: string },
): StepReport {
  const repair =
    blockers.length > 0
      ? 'The removal would stop here: repair these connections first, or give --forget.'
      : whatToDo;
  return { step, status: 'planned', counts, found, whatToDo: repair, blockers };
}

/** Returns the connections that cannot be read and may have something at their cloud. */
function unreadableOf({ connections }: Standing, drivers: ReadonlySet<string>): Blocker[] {
  return connections.flatMap((one) => {
    const message = one.verifiedAt === undefined ? undefined : whyUnreadable(one, drivers);
    return message === undefined ? [] : [{ namespace: one.namespace, connection: one.name, message }];
  });
}
