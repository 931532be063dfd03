import type { CloudConfig } from '../../local/sim/engine/config.ts';
import type { InstanceRecord } from '../../local/sim/engine/records.ts';
import { bootedAtMs, createdAtMs } from '../../local/sim/engine/status.ts';
import { meteredSchedule, type Wanted } from '../ideal/metered-schedule.ts';
import { createMeters, removalMeters } from './metered-cloud.ts';

/** When something was done for each of some machines, and when it would have been done without overhead. */
export interface Times {
  /** Seconds from each request until the cloud accepted its machine, or its removal. */
  acceptedSeconds: number[];
  idealAcceptedSeconds: number[];
  /** Seconds from the first request until the last machine ran, or was gone. */
  makespanSeconds: number;
  idealSeconds: number;
  /** Number of calls in the ideal schedule. */
  idealCalls: number;
}

/** A machine with its request. */
export interface AskedMachine {
  record: InstanceRecord;
  /** Time of the API's answer to the request, in ms. */
  askedAtMs: number;
  /** Machines with the same text may share a call. */
  likeness: string;
}

/** Returns the times of the creation of machines. The ideal schedule has the same submit times and boots. */
export function timesOfCreation(cloud: CloudConfig, machines: readonly AskedMachine[]): Times {
  return timesOf(machines, createMeters(cloud), ({ record }) => ({
    acceptedAtMs: createdAtMs(record),
    doneAtMs: bootedAtMs(record),
    submitMs: record.submitMs,
    lastsMs: record.bootMs,
  }));
}

/** Returns the times of the removal of machines. The ideal schedule has the same times from call to end. */
export function timesOfRemoval(cloud: CloudConfig, machines: readonly AskedMachine[]): Times {
  return timesOf(machines, removalMeters(cloud), ({ record }) => {
    const { removeAskedAtMs, terminatedAtMs, backendId } = record;
    if (removeAskedAtMs === undefined || terminatedAtMs === undefined)
      throw new Error(`machine ${backendId} was not removed`);
    const lastsMs = terminatedAtMs - removeAskedAtMs;
    return { acceptedAtMs: removeAskedAtMs, doneAtMs: terminatedAtMs, submitMs: 0, lastsMs };
  });
}

interface Done {
  acceptedAtMs: number;
  doneAtMs: number;
  /** Time from the call until its acceptance, in ms. */
  submitMs: number;
  /** Time from the acceptance until the end, in ms. */
  lastsMs: number;
}

function timesOf(
  machines: readonly AskedMachine[],
  meters: Parameters<typeof meteredSchedule>[1],
  doneOf: (machine: AskedMachine) => Done,
): Times {
  const startMs = Math.min(...machines.map(({ askedAtMs }) => askedAtMs));
  const inOrder = machines.toSorted((one, other) => one.record.sequence - other.record.sequence);
  const done = inOrder.map((machine) => ({ machine, ...doneOf(machine) }));
  const regions = Map.groupBy(done, ({ machine }) => machine.record.location);
  const ideal = [...regions.values()].map((ofRegion) => {
    const requests = Map.groupBy(
      ofRegion,
      ({ machine: { askedAtMs, likeness } }) => `${askedAtMs} ${likeness}`,
    );
    const wanted = [...requests.values()].map((together): Wanted => {
      const { askedAtMs = startMs, likeness = '' } = together[0]?.machine ?? {};
      return {
        atSeconds: (askedAtMs - startMs) / 1_000,
        likeness,
        machines: together.map(({ submitMs, lastsMs }) => ({
          submitSeconds: submitMs / 1_000,
          bootSeconds: lastsMs / 1_000,
        })),
      };
    });
    return meteredSchedule(wanted, meters);
  });
  return {
    acceptedSeconds: done.map(({ acceptedAtMs, machine }) => (acceptedAtMs - machine.askedAtMs) / 1_000),
    idealAcceptedSeconds: ideal.flatMap(({ acceptedSeconds }) => acceptedSeconds),
    makespanSeconds: (largest(done.map(({ doneAtMs }) => doneAtMs)) - startMs) / 1_000,
    idealSeconds: largest(ideal.map(({ makespanSeconds }) => makespanSeconds)),
    idealCalls: ideal.reduce((sum, { calls }) => sum + calls, 0),
  };
}

/** Returns the largest of any number of values. */
const largest = (values: readonly number[]): number => values.reduce((most, one) => Math.max(most, one), 0);
