import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readEnv, variableNameSchema } from '../../functions/runtime/env.ts';
import { bundleFunctions } from '../../infra/bundles.ts';
import { environmentOf, functionsOf, templateOf } from './synthesized.ts';

const bundles = bundleFunctions();
const template = templateOf('local');
const functions = functionsOf(template);

/** Loads every bundle as Lambda would, each with its own variables, and prints what it exports. */
const LOADER = `
  const loads = JSON.parse(process.argv[1]);
  const outcome = {};
  for (const { entry, file, env } of loads) {
    const before = { ...process.env };
    Object.assign(process.env, env);
    try {
      outcome[entry] = typeof (await import(file)).handler;
    } catch (error) {
      outcome[entry] = String(error);
    }
    process.env = before;
  }
  console.log(JSON.stringify(outcome));
`;

describe('bundles', () => {
  it('are made for every entry point, and every entry point is deployed', () => {
    expect([...bundles.entries].sort()).toEqual([...functions.keys()].sort());
    for (const entry of bundles.entries) {
      expect(readdirSync(bundles.directoryOf(entry))).toContain('index.mjs');
    }
  });

  it('load with the variables that the stack gives them, and export a handler', () => {
    const loads = [...functions].map(([entry, { resource }]) => ({
      entry,
      file: join(bundles.directoryOf(entry), 'index.mjs'),
      env: { AWS_REGION: 'us-east-1', ...environmentOf(template, resource) },
    }));
    const output = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', LOADER, JSON.stringify(loads)],
      {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] },
      },
    );
    const outcome = z
      .record(z.string(), z.string())
      .parse(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
    expect(outcome).toEqual(Object.fromEntries(bundles.entries.map((entry) => [entry, 'function'])));
  });

  it('are refused for an entry point that is not there', () => {
    expect(() => bundles.directoryOf('api/nowhere')).toThrow(
      'functions/api/nowhere.handler.ts does not exist',
    );
  });
});

describe('environment variables', () => {
  it.each([...functions.keys()])('of %s are all declared, with values that pass', (entry) => {
    const resource = functions.get(entry)?.resource;
    const environment = resource ? environmentOf(template, resource) : {};
    const names = Object.keys(environment).map((name) => variableNameSchema.parse(name));
    expect(Object.keys(readEnv(names, environment)).sort()).toEqual(names.sort());
  });
});
