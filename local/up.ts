import { ApiProblem, createClient } from '../client/index.ts';
import { issueLocalKey } from './api-key.ts';
import { findApiUrl } from './api-url.ts';
import { ensureConnections } from './connections.ts';
import { deploy } from './deploy/deploy.ts';
import { engineAccess } from './engine/access.ts';
import { findOrStartEngine } from './engine/engine.ts';
import { type OnProgress, step } from './progress.ts';
import { findOrStartClouds } from './simulated-clouds.ts';
import { StateFolder } from './state/folder.ts';
import { withLock } from './state/lock.ts';
import {
  type EngineAccess,
  type EngineRecord,
  type LocalStack,
  localStackSchema,
  type Outputs,
  RECORDS,
} from './state/records.ts';

export interface UpOptions {
  /** The state folder. Default: FLEETWRIGHT_HOME, else `.fleetwright` in the repository. */
  home?: string;
  /**
   * Seed of the simulated clouds. A new seed empties the clouds; `up` refuses a new seed while the clouds
   * have instances.
   */
  seed?: number;
  /** YAML file that changes the simulated clouds' config. */
  simConfig?: string;
  onProgress?: OnProgress;
}

export interface UpResult {
  stack: LocalStack;
  /** Outputs of the CloudFormation stack. */
  outputs: Outputs;
  /** True if the engine was treated as empty; see `Engine`. */
  fresh: boolean;
  /**
   * Converts an address of this machine to an address that functions can reach. Functions may run in a container.
   */
  seenByFunctions(url: string): string;
}

/**
 * Starts all of Fleetwright on this machine: AWS engine, simulated clouds, the CDK app, an API key, and connections.
 * Parts that already run stay as they are.
 *
 * @throws StartFailure when a part, or a program that the part needs, cannot be started or reached
 */
export async function up({
  home,
  seed,
  simConfig,
  onProgress = () => undefined,
}: UpOptions = {}): Promise<UpResult> {
  const folder = new StateFolder(home);
  return await withLock(folder, async () => {
    const engine = await step(
      onProgress,
      () => findOrStartEngine(folder),
      ({ fresh, description }) => `${fresh ? 'Started' : 'Found'} ${description}`,
    );
    const { fresh } = engine;
    const access = engineAccess(engine.record);
    const clouds = await step(
      onProgress,
      () =>
        findOrStartClouds(folder, {
          forget: fresh,
          hostSeenAs: seenFrom(engine.record, '127.0.0.1'),
          ...(seed === undefined ? {} : { seed }),
          ...(simConfig === undefined ? {} : { config: simConfig }),
        }),
      ({ url, seed: inForce }) => `Simulated clouds at ${url}, seed ${inForce}`,
    );
    const { outputs } = await step(
      onProgress,
      () => deploy(folder, { engine: access, fresh }),
      ({ changed }) => (changed ? 'Deployed the CDK app' : 'The deployed CDK app is up to date'),
    );
    const apiUrl = await findApiUrl(access.engineUrl, outputs.ApiUrl);
    const known = folder.read(RECORDS.context, localStackSchema);
    const apiKey = await ensureKey(known?.apiKey, { apiUrl, access, accessTable: outputs.AccessTable });
    const { url: simUrl, simKey } = clouds;
    const stack: LocalStack = { apiUrl, apiKey, simUrl, simKey, ...access, namespace: 'default' };
    folder.write(RECORDS.context, stack);
    const target = {
      endpoint: seenFrom(engine.record, simUrl),
      simKey,
      isKnownKey: known?.simKey === simKey,
    };
    await step(
      onProgress,
      () => ensureConnections(createClient(stack), target),
      (made) => `Connections to 8 clouds ready${made > 0 ? `, ${made} of them new` : ''}`,
    );
    const seenByFunctions = (url: string) => seenFrom(engine.record, url);
    return { stack, outputs, fresh, seenByFunctions };
  });
}

/** Converts an address of this machine for functions, which may run in a container. */
function seenFrom(engine: EngineRecord, url: string): string {
  return engine.kind === 'container' ? url.replace(/127\.0\.0\.1|localhost/, engine.hostSeenAs) : url;
}

interface KeyOptions {
  apiUrl: string;
  access: EngineAccess;
  accessTable: string;
}

/** Returns the API key of an earlier `up` if the key is still valid, else a new key. */
async function ensureKey(
  known: string | undefined,
  { apiUrl, access, accessTable }: KeyOptions,
): Promise<string> {
  if (known !== undefined) {
    try {
      await createClient({ apiUrl, apiKey: known }).listNamespaces();
      return known;
    } catch (error) {
      if (!(error instanceof ApiProblem && error.status === 401)) throw error;
    }
  }
  return await issueLocalKey(access, accessTable);
}
