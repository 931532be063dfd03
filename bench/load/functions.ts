import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { bundleFunctions } from '../../infra/settings/bundles.ts';
import { environmentOf, functionsOf, templateOfAllDrivers } from '../../test/infra/synthesized.ts';

/** A deployed function. */
export interface MeasuredFunction {
  /** Entry point; the functions of the API begin with `api/`. */
  name: string;
  /** Size of the bundle, in millions of bytes. */
  bundleMb: number;
  /** Median time from the start of the import until the function is ready for its first event, in ms. */
  initMs: number;
}

/** Number of processes that each function is started in. The first finds the file in no cache. */
const STARTS = 5;

/** Imports a bundle as Lambda does when it starts a function. Prints how long that took, in ms. */
const STARTER = `
  const beganMs = performance.now();
  const { handler } = await import(process.argv[1]);
  const tookMs = performance.now() - beganMs;
  if (typeof handler !== 'function') throw new TypeError('the bundle exports no handler');
  console.log(tookMs);
`;

const tookSchema = z.coerce.number().positive();

/** Bundles all functions as for a deployment, and measures how long each takes to start on this machine. */
export async function measureFunctions(): Promise<MeasuredFunction[]> {
  const bundles = bundleFunctions();
  const template = templateOfAllDrivers();
  const measured: MeasuredFunction[] = [];
  for (const [name, { resource }] of functionsOf(template)) {
    const file = join(bundles.directoryOf(name), 'index.mjs');
    const env = environmentOf(template, resource);
    const took: number[] = [];
    for (let start = 0; start < STARTS; start += 1) took.push(await startOnce(file, env));
    const median = took.toSorted((a, b) => a - b)[Math.floor(STARTS / 2)] ?? Number.NaN;
    measured.push({ name, bundleMb: rounded(statSync(file).size / 1e6), initMs: Math.round(median) });
  }
  return measured.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function startOnce(file: string, env: Record<string, string>): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', STARTER, file], {
    env: { ...env, PATH: process.env['PATH'], AWS_REGION: 'us-east-1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${file} cannot be loaded (exit code ${code})`);
  return tookSchema.parse(output.trim());
}

const rounded = (value: number): number => Number(value.toFixed(2));
