import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { readEnv, variableNameSchema } from '../../functions/platform/runtime/env.ts';
import { bundleFunctions } from '../../infra/settings/bundles.ts';
import { environmentOf, functionsOf, templateOfAllDrivers } from './synthesized.ts';

const bundles = bundleFunctions();
const template = templateOfAllDrivers();
const functions = functionsOf(template);

/**
 * A program that loads every bundle as Lambda does, with the variables of its function. Prints, for each
 * bundle, the type of the exported handler and the variables that the bundle did not read.
 */
const LOADER = `
  const outcome = {};
  // Lambda sets this variable.
  const { AWS_REGION } = process.env;
  for (const { entry, file, env } of JSON.parse(process.argv[1])) {
    const read = new Set();
    process.env = new Proxy({ ...env, AWS_REGION }, { get: (from, name) => (read.add(name), from[name]) });
    try {
      outcome[entry] = { handler: typeof (await import(file)).handler };
    } catch (error) {
      outcome[entry] = { handler: String(error) };
    }
    outcome[entry].unread = Object.keys(env).filter((name) => !read.has(name));
  }
  console.log(JSON.stringify(outcome));
`;

const outcomeSchema = z.record(z.string(), z.object({ handler: z.string(), unread: z.array(z.string()) }));

function loadAll() {
  const loads = [...functions].map(([entry, { resource }]) => ({
    entry,
    file: join(bundles.directoryOf(entry), 'index.mjs'),
    env: environmentOf(template, resource),
  }));
  const output = execFileSync(
    process.execPath,
    ['--input-type=module', '-e', LOADER, JSON.stringify(loads)],
    { encoding: 'utf8', env: { PATH: process.env['PATH'], AWS_REGION: 'us-east-1' } },
  );
  return outcomeSchema.parse(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
}

describe('bundles of functions', () => {
  it('every entry point has a bundle and is deployed', () => {
    expect([...bundles.entries].sort()).toEqual([...functions.keys()].sort());
    for (const entry of bundles.entries) {
      expect(readdirSync(bundles.directoryOf(entry))).toContain('index.mjs');
    }
  });

  it('every bundle loads with the variables of its function, reads all these variables, and exports a handler', () => {
    // The stack sets a variable together with a grant. If a function does not read the variable, the function
    // does not need the grant.
    const expected = bundles.entries.map((entry) => [entry, { handler: 'function', unread: [] }]);
    expect(loadAll()).toEqual(Object.fromEntries(expected));
  });

  it('directoryOf throws for a missing entry point', () => {
    expect(() => bundles.directoryOf('api/nowhere')).toThrow(
      'functions/entrypoints/handlers/api/nowhere.handler.ts does not exist',
    );
  });
});

describe('environment variables of functions', () => {
  it.each([...functions.keys()])(
    '`readEnv` knows each environment variable of %s and accepts its value',
    (entry) => {
      const resource = functions.get(entry)?.resource;
      const environment = resource ? environmentOf(template, resource) : {};
      const names = Object.keys(environment).map((name) => variableNameSchema.parse(name));
      expect(Object.keys(readEnv(names, environment)).sort()).toEqual(names.sort());
    },
  );
});
