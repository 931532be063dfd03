import type { CapabilityName, DriverFeature } from '../../functions/drivers/contract/metadata.ts';
import { startFaultProxy } from '../fault-proxy/fault-proxy.ts';
import { ASSERTIONS } from './assertions/index.ts';
import type { Assertion } from './suite/assertion.ts';
import type { CloudUnderTest, Harness } from './suite/harness.ts';
import { Lab } from './suite/lab.ts';

/** The result of a run. `total` includes skipped assertions, so it is the same for every driver. */
export interface Report {
  driver: string;
  server: string;
  serverVersion: string;
  emulatedBy: { idempotency: 'proxy' | 'server' };
  total: number;
  passed: number;
  failed: number;
  skipped: { assertion: string; because: 'capability-absent' }[];
  /**
   * Ids of the assertions for which the fault proxy gave answers, because the server does not check what
   * these assertions test.
   */
  answeredByProxy: string[];
  failures: { assertion: string; message: string }[];
  seconds: number;
}

export interface RunOptions {
  harness: Harness;
  /** Prefixes of the ids of the assertions to run. If absent, all assertions run. */
  only?: readonly string[];
  progress(line: string): void;
}

/** Runs the contract against one driver. Removes the machines of each assertion before the next assertion. */
export async function runSuite({ harness, only, progress }: RunOptions): Promise<Report> {
  const startedMs = performance.now();
  const cloud = await harness.start();
  const { upstreams, dialect, idempotency, tellsAddresses = false } = cloud;
  const proxy = await startFaultProxy({
    upstreams,
    dialect,
    idempotency: idempotency === 'proxy' ? 'add' : 'pass',
    rewriteOrigins: tellsAddresses,
  });
  const chosen = ASSERTIONS.filter(({ id }) => !only || only.some((start) => id.startsWith(start)));
  const report: Report = {
    driver: harness.driver.name,
    server: cloud.server,
    serverVersion: cloud.serverVersion,
    emulatedBy: { idempotency },
    total: chosen.length,
    passed: 0,
    failed: 0,
    skipped: [],
    answeredByProxy: [],
    failures: [],
    seconds: 0,
  };
  try {
    await cloud.reset();
    const lab = new Lab(harness.driver, cloud, proxy);
    const able = new Set<CapabilityName | DriverFeature>([
      ...harness.driver.capabilities,
      ...harness.driver.features,
    ]);
    for (const absent of cloud.lacks ?? []) able.delete(absent);
    for (const assertion of chosen) {
      if (assertion.needs !== undefined && !able.has(assertion.needs)) {
        report.skipped.push({ assertion: assertion.id, because: 'capability-absent' });
        progress(`skip ${assertion.id}: no ${assertion.needs}`);
        continue;
      }
      const failure = await runOne(lab, cloud, assertion);
      if (cloud.emulate?.[assertion.id]) report.answeredByProxy.push(assertion.id);
      if (failure === undefined) report.passed += 1;
      else {
        report.failed += 1;
        report.failures.push({ assertion: assertion.id, message: failure });
      }
      progress(`${failure === undefined ? 'ok  ' : 'FAIL'} ${assertion.id}: ${failure ?? assertion.title}`);
    }
  } finally {
    await proxy.close();
    await cloud.stop();
  }
  report.seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  return report;
}

/** Runs one assertion. Returns the reason if the assertion failed, or undefined if it passed. */
async function runOne(lab: Lab, cloud: CloudUnderTest, assertion: Assertion): Promise<string | undefined> {
  lab.proxy.calm();
  let failure: string | undefined;
  try {
    lab.proxy.faults.arm(...(cloud.emulate?.[assertion.id] ?? []));
    await assertion.run(lab);
  } catch (error) {
    failure = describe(error);
  }
  try {
    await lab.clean({ all: false });
  } catch (error) {
    failure ??= `the assertion's machines could not be removed: ${describe(error)}`;
  }
  return failure;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
