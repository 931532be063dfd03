import { beforeAll, describe, expect, it } from 'vitest';
import { DRIVER_NAMES } from '../../functions/model/connection.ts';
import { calmScenario } from '../chaos/scenario/calm.ts';
import { runScenario } from '../chaos/scenario/run.ts';
import { scenarioOf } from '../chaos/scenario/scenario.ts';
import { CALLER } from '../chaos/world/caller.ts';
import { type Lab, NAMESPACE } from '../chaos/world/lab.ts';
import type { Use } from '../chaos/world/rights.ts';
import { decisionsOf } from './policy-decision.ts';
import { templateOfAllDrivers } from './synthesized.ts';

/** Entry points of the functions, by their names in the lab of the chaos suite. */
const ENTRIES: ReadonlyMap<string, string> = new Map([
  ['worker', 'drivers/sim'],
  ['api', 'api/fleets'],
  ['api-connections', 'api/connections'],
  ['api-access', 'api/access'],
  ['api-resources', 'api/resources'],
  ['orphan-schedule', 'schedules/schedule-sweeps'],
  ['inventory-schedule', 'schedules/schedule-inventory'],
  ['finish-changes', 'schedules/finish-changes'],
  ['watch', 'schedules/watch'],
  ['reconcile', 'schedules/reconcile'],
  ...['assign', 'settle', 'begin-termination', 'finish-termination'].map(
    (step) => [step, `steps/${step}`] as const,
  ),
]);
/** Processes of the lab that stand for users and for checks of the tests. */
const NO_FUNCTIONS = ['setup', 'user', 'reader'];

/** Sends requests that the users of the chaos suite's scenarios do not send. */
async function operate(lab: Lab): Promise<void> {
  const plain = { query: {}, idempotencyKey: undefined };
  const made = { ...plain, params: {}, body: { name: 'operated' } };
  await lab.requestAccess((api) => api.createNamespace(made));
  await lab.requestAccess((api) => api.createApiKey({ ...made, caller: CALLER }));
  const params = { namespace: 'operated' };
  await lab.requestAccess((api) => api.deleteNamespace({ ...plain, params, body: undefined }));
  const ofDefault = { ...plain, params: { namespace: NAMESPACE } };
  await lab.requestResources((api) => api.sweepOrphans({ ...ofDefault, body: { dryRun: false } }));
  await lab.requestResources((api) => api.continueSweeps({ ...ofDefault, body: { connection: 'sim-aws' } }));
}

const template = templateOfAllDrivers();
const resourceOf = ({ table, index }: Pick<Use, 'table' | 'index'>): string =>
  `Data${table.charAt(0).toUpperCase()}${table.slice(1)}Table${index === undefined ? '' : `/index/${index}`}`;

describe('requests of functions to DynamoDB', () => {
  const uses = new Map<string, { name: string; use: Use }>();

  beforeAll(async () => {
    const observe = async (scenario: ReturnType<typeof scenarioOf>, isOperated = false) => {
      const { violations } = await runScenario(scenario, false, async ({ lab }) => {
        lab.tables.onUse = (name, use) => {
          const { table, index, action, pk } = use;
          uses.set([name, table, index, action, pk.split('#')[0]].join(' '), { name, use });
        };
        if (isOperated) await operate(lab);
      });
      expect(violations).toEqual([]);
    };
    await observe(calmScenario(), true);
    for (const seed of [1, 2, 3, 5]) await observe(scenarioOf(seed));
  }, 120_000);

  it("every request of every function is allowed by the template's policies", () => {
    const decisions = new Map(
      [...ENTRIES].map(([name, entry]) => [name, decisionsOf(template, entry)] as const),
    );
    const unknown = [...uses.values()].filter(
      ({ name }) => !decisions.has(name) && !NO_FUNCTIONS.includes(name),
    );
    expect(unknown).toEqual([]);
    const refused = [...uses.values()].filter(({ name, use }) => {
      // A custom resource writes the deployment's id on AWS. The lab has none, so that a worker writes the id.
      if (use.pk === 'DEPLOYMENT' && use.action === 'PutItem' && name === 'worker') return false;
      return decisions.get(name)?.({ ...use, resource: resourceOf(use) }) === false;
    });
    expect(refused).toEqual([]);
  });

  // The inventory is synced before these runs can be watched. Every lab refuses what its workers have no right to.
  it('the runs show requests of every function, and writes of workers of every kind but the catalogue', () => {
    const seen = new Set([...uses.values()].map(({ name }) => name));
    expect([...ENTRIES.keys()].filter((name) => !seen.has(name))).toEqual([]);
    const written = [...uses.values()].flatMap(({ name, use: { table, action, pk } }) =>
      name === 'worker' && !/^(BatchGet|Get|Query)/.test(action) ? [`${table} ${pk.split('#')[0]}`] : [],
    );
    expect([...new Set(written)].sort()).toEqual(
      expect.arrayContaining([
        'access CONNECTIONS',
        'fleets FLEET',
        'fleets INST',
        'fleets NET',
        'governor CALL',
        'governor CONN',
        'governor LOOP',
        'governor QUEUE',
      ]),
    );
  });
});

describe('rights of the functions of drivers', () => {
  const CHANGES = ['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem'];
  const WRITES = [...CHANGES, 'ConditionCheckItem'];
  const READS = ['BatchGetItem', 'GetItem', 'Query'];

  it.each(DRIVER_NAMES)(
    "the function of driver %s cannot write API keys, namespaces, specs, name locks, the deployment's id or the beat",
    (driver) => {
      const isAllowed = decisionsOf(template, `drivers/${driver}`);
      for (const action of WRITES) {
        for (const pk of ['API-KEYS', 'NAMESPACES', 'ABANDONED-SECRETS', 'CONNECTIONS'])
          expect(isAllowed({ resource: 'DataAccessTable', action, pk }), `${action} ${pk}`).toBe(false);
        for (const pk of ['SPEC#f0123456789abcdef', 'NS#default', 'DEPLOYMENT'])
          expect(isAllowed({ resource: 'DataFleetsTable', action, pk }), `${action} ${pk}`).toBe(false);
        expect(isAllowed({ resource: 'DataHistoryTable', action, pk: 'anything' }), action).toBe(false);
      }
      for (const action of READS)
        expect(isAllowed({ resource: 'DataAccessTable', action, pk: 'API-KEYS' }), action).toBe(false);
    },
  );

  it.each(DRIVER_NAMES)(
    'the function of driver %s can use what belongs to connections of its own driver, and not of another one',
    (driver) => {
      const isAllowed = decisionsOf(template, `drivers/${driver}`);
      for (const owner of DRIVER_NAMES) {
        const key = `${owner}/default/cloud`;
        const partitions = [
          ['Access', `CONNECTIONS#${owner}`],
          ['Catalogue', `CATALOGUE#${key}`],
          ['Governor', `CALL#${key}#east`],
          ['Governor', `CONN#${key}`],
          ['Governor', `LOOP#${owner}`],
          ['Governor', `QUEUE#${key}#east`],
          ['Governor', `QUEUE#${key}#east#0`],
          ['Fleets', `HOLD#${key}`],
          ['Fleets', `ORPHAN#${key}`],
        ] as const;
        for (const [table, pk] of partitions) {
          for (const action of WRITES)
            expect(isAllowed({ resource: `Data${table}Table`, action, pk }), `${action} ${pk}`).toBe(
              owner === driver,
            );
        }
      }
    },
  );

  it('only the operations about access may write API keys', () => {
    const writers = [...ENTRIES.values(), ...DRIVER_NAMES.map((name) => `drivers/${name}`)].filter((entry) =>
      CHANGES.some((action) =>
        decisionsOf(template, entry)({ resource: 'DataAccessTable', action, pk: 'API-KEYS' }),
      ),
    );
    expect(writers).toEqual(['api/access']);
  });
});
