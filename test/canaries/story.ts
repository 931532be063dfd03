import { Problem, problemBody } from '../../functions/entrypoints/api/problem.ts';
import type { DriverName } from '../../functions/model/connection.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import { NAMESPACE } from '../chaos/world/lab.ts';
import { credentialOf, siteWith } from './accounts.ts';
import type { CanaryWorld } from './canary-world.ts';

const NAME = 'cloud';
const MINUTE_MS = 60_000;
const CREATES: Readonly<Record<DriverName, RegExp>> = {
  sim: /^POST instances$/,
  aws: /^RunInstances$/,
  openstack: /^POST nova \/servers$/,
  'cb-spider': /^POST vm$/,
};
const REMOVALS: Readonly<Record<DriverName, RegExp>> = {
  sim: /^DELETE /,
  aws: /^(Terminate|Delete)/,
  openstack: /^DELETE /,
  'cb-spider': /^DELETE /,
};
const READS = /^(GET |Describe|Get)/;
const about = { query: {}, idempotencyKey: undefined };
const isAtRest = ({ status }: Fleet) => status !== 'Preparing' && status !== 'Creating';

/** Makes all kinds of calls to a cloud whose endpoint repeats requests in its answers. */
export async function tellAll(world: CanaryWorld): Promise<void> {
  const { driver, canaries, echo, stage, user, ground } = world;
  const site = siteWith(driver, canaries);
  await user.makeNamespace();
  echo.mood = { kind: 'talks', call: /./ };
  await user.connect(NAME, site);

  echo.mood = { kind: 'refuses', call: CREATES[driver], status: 400 };
  const refused = await stage.create(user.order('refused', NAME, site, 2));
  await stage.until(refused.id, isAtRest);

  echo.mood = { kind: 'talks', call: /./ };
  const talked = await stage.create(user.order('talked', NAME, site, 2));
  await stage.until(talked.id, isAtRest);

  echo.mood = { kind: 'refuses', call: /./, status: 401 };
  await user.rotate(NAME, credentialOf(driver, canaries));
  await user.untilConnection(NAME, ({ rotation }) => rotation?.status === 'Failed');
  echo.mood = { kind: 'talks', call: /./ };
  await world.lab.requestConnections((api) =>
    api.verifyConnection({ ...about, params: { namespace: NAMESPACE, connection: NAME }, body: undefined }),
  );
  await user.untilConnection(NAME, ({ status }) => status !== 'Verifying');

  for (const status of [403, 429, 500]) {
    echo.mood = { kind: 'refuses', call: READS, status };
    await world.lab.requestConnections((api) =>
      api.syncInventory({ ...about, params: { namespace: NAMESPACE, connection: NAME }, body: undefined }),
    );
    await world.lab.requestResources((api) =>
      api.sweepOrphans({ ...about, params: { namespace: NAMESPACE }, body: { dryRun: false } }),
    );
    await ground.sleep(2 * MINUTE_MS);
    await collectAnswers(world, [refused, talked]);
  }

  echo.mood = { kind: 'refuses', call: REMOVALS[driver], status: 400 };
  await stage.remove(talked.id);
  await ground.sleep(2 * MINUTE_MS);
  await collectAnswers(world, [refused, talked]);
}

/** Reads what a user can read through the API, and adds the answers to `places`, which the test searches. */
async function collectAnswers({ lab, places }: CanaryWorld, fleets: readonly Fleet[]): Promise<void> {
  const params = { namespace: NAMESPACE };
  const page = { query: { limit: 500 }, body: undefined, idempotencyKey: undefined };
  const ofOne = { ...about, params: { ...params, connection: NAME }, body: undefined };
  const keep = async (answer: Promise<{ body: unknown }>) => {
    const body = await answer.then(
      ({ body }) => body,
      (error: unknown) => {
        if (error instanceof Problem) return problemBody(error, 'canary');
        throw error;
      },
    );
    places.addValue('answers', body);
  };
  await lab.requestConnections((api) => keep(api.getConnection(ofOne)));
  await lab.requestConnections((api) => keep(api.getLimits(ofOne)));
  await lab.requestConnections((api) => keep(api.getWords(ofOne)));
  await lab.requestConnections((api) => keep(api.listConnections({ ...page, params })));
  await lab.requestResources((api) => keep(api.listOrphans({ ...page, params })));
  await lab.request((api) => keep(api.listFleets({ ...page, params })));
  for (const { id } of fleets) {
    const ofFleet = { params: { ...params, fleet: id } };
    await lab.request((api) => keep(api.getFleet({ ...about, ...ofFleet, body: undefined })));
    await lab.request((api) => keep(api.listInstances({ ...page, ...ofFleet })));
  }
}
