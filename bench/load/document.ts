import { table } from '../../cli/shell/table.ts';
import type { MeasuredFunction } from './functions.ts';
import type { Played } from './play.ts';

/** What `bench -- load` prints. */
export interface LoadDocument {
  /** Requests in a second of virtual time. */
  requestsPerSecond: number;
  requests: number;
  /** Instances that were launched meanwhile, and the virtual seconds until all of them ran. */
  instances: number;
  virtualSeconds: number;
  routes: LoadedRoute[];
  /** Largest resident set of the process that played the load, in MB. */
  peakMemoryMb: number;
  functions: MeasuredFunction[];
}

export interface LoadedRoute {
  operation: string;
  requests: number;
  p50Ms: number;
  p99Ms: number;
  /** Mean number of requests to tables. */
  tableRequests: number;
}

/** Makes the document. The routes with the most requests come first. */
export function loadDocument(
  { taken, seconds, requests, running }: Played,
  { peakMemoryMb, functions }: Pick<LoadDocument, 'peakMemoryMb' | 'functions'>,
): LoadDocument {
  return {
    requestsPerSecond: rounded(requests / seconds),
    requests,
    instances: running,
    virtualSeconds: rounded(seconds),
    routes: taken
      .toSorted((a, b) => b.ms.length - a.ms.length)
      .map(({ operation, ms, tableRequests }) => ({
        operation,
        requests: ms.length,
        p50Ms: rounded(percentile(ms, 0.5)),
        p99Ms: rounded(percentile(ms, 0.99)),
        tableRequests: rounded(tableRequests / ms.length),
      })),
    peakMemoryMb,
    functions,
  };
}

/** Returns the smallest value that is at least as large as this part of all values. Pure. @param part from 0 to 1 */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
  if (value === undefined) throw new RangeError('no values have no percentile');
  return value;
}

const rounded = (value: number): number => Number(value.toFixed(1));

export function loadText(one: LoadDocument): string {
  const routes = table(
    ['operation', 'requests', 'p50 ms', 'p99 ms', 'table requests'],
    one.routes.map(({ operation, requests, p50Ms, p99Ms, tableRequests }) => [
      operation,
      requests,
      p50Ms.toFixed(1),
      p99Ms.toFixed(1),
      tableRequests.toFixed(1),
    ]),
  );
  const functions = table(
    ['function', 'bundle MB', 'init ms'],
    one.functions.map(({ name, bundleMb, initMs }) => [name, bundleMb.toFixed(2), initMs]),
  );
  const said = `${one.requests} requests, ${one.requestsPerSecond} a second, while ${one.instances} instances were launched within ${one.virtualSeconds} s of virtual time; at most ${one.peakMemoryMb} MB\n`;
  return [said, routes, functions].join('\n');
}
