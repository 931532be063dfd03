import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { MOTO_VERSION, startMoto } from '../contract/servers/moto.ts';
import { substitute } from '../state-machines/interpreter/definition.ts';
import {
  definitionText,
  type MachineName,
  machineArn,
  machineOf,
  SUBSTITUTIONS,
} from '../state-machines/world.ts';
import { type FrontDoor, openFrontDoor } from './front-door.ts';
import { observe } from './observe.ts';
import type { Observation, Path } from './path.ts';
import { Play } from './play.ts';
import { startWorker } from './worker.ts';

const INTERPRETER = join(dirname(fileURLToPath(import.meta.url)), 'interpreter.py');
const REGION = 'eu-central-1';
const ACCESS = { accessKeyId: 'none', secretAccessKey: 'none' };
/** How much faster than on AWS waits and time limits pass. */
const SPEED = 200;

/** The runs of paths, by the id of their fleet. */
class Plays {
  readonly #plays = new Map<string, Play>();

  /** @param text JSON or a name in which the id of the fleet appears */
  of(text: string): Play {
    const [fleetId = ''] = /\bf[0-9]{16}\b/.exec(text) ?? [];
    const play = this.#plays.get(fleetId);
    if (!play) throw new Error(`no path has the fleet of ${text}`);
    return play;
  }

  begin({ surround }: Path, queueUrl: string): Play {
    const play = new Play(`f${String(this.#plays.size + 1).padStart(16, '0')}`, queueUrl, surround());
    this.#plays.set(play.fleetId, play);
    return play;
  }
}

export const ENGINE = `moto ${MOTO_VERSION}`;

export interface MotoInterpreter {
  /** Creates a shipped state machine. @throws InvalidDefinition if moto refuses the definition */
  create(machine: MachineName): Promise<void>;
  /** Plays a path. Paths may be played at the same time. */
  observe(path: Path): Promise<Observation>;
  /** Returns the states that all plays so far have entered, as `<machine> <state>`. */
  entered(): ReadonlySet<string>;
  close(): Promise<void>;
}

/** Starts moto with its interpreter of state machines. @throws StartFailure if moto cannot be installed or started */
export async function startMotoInterpreter(): Promise<MotoInterpreter> {
  const opened = new AsyncDisposableStack();
  try {
    return await open(opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** @param opened gets what is to be closed, last thing first */
async function open(opened: AsyncDisposableStack): Promise<MotoInterpreter> {
  const plays = new Plays();
  const door = await openFrontDoor({
    invoke: (name, payload) => plays.of(JSON.stringify(payload)).invoke(name, payload),
    refusesMessage: (body) => plays.of(body).refusesMessage(),
    faultOf: ({ machineArn: arn, name }) => plays.of(name).faultOf(machineOf(arn), name),
    failed: (error) => process.stderr.write(`the test could not answer a call: ${String(error)}\n`),
  });
  opened.defer(door.close);
  const moto = await startBehind(door);
  opened.defer(moto.stop);
  const aws = { endpoint: moto.url, region: REGION, credentials: ACCESS };
  const [sfn, sqs] = [new SFNClient(aws), new SQSClient(aws)];
  opened.defer(() => sfn.destroy());
  opened.defer(() => sqs.destroy());
  await setInterpreter(moto.url);
  const { QueueUrl: queueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'driver' }));
  const worker = startWorker({ sqs, sfn, queueUrl, speed: SPEED, playOf: (body) => plays.of(body) });
  opened.defer(worker.stop);
  const entered = new Set<string>();
  return {
    entered: () => entered,
    create: async (name) => await createMachine(sfn, name),
    observe: async (path) => {
      const play = plays.begin(path, queueUrl);
      return await Promise.race([observe(sfn, play, path, entered), play.failed, worker.failed]);
    },
    close: async () => await opened.disposeAsync(),
  };
}

/** Starts moto so that its interpreter calls AWS at the front door. */
async function startBehind(door: FrontDoor) {
  const moto = await startMoto({
    command: [INTERPRETER, '--speed', String(SPEED)],
    env: { MOTO_PORT: String(door.port) },
  });
  door.leadTo(moto.url);
  return moto;
}

/** Makes moto interpret definitions. Without this setting, it ends no execution. */
async function setInterpreter(motoUrl: string): Promise<void> {
  const config = { stepfunctions: { execute_state_machine: true } };
  const set = await fetch(`${motoUrl}/moto-api/config`, { method: 'POST', body: JSON.stringify(config) });
  if (!set.ok) throw new Error(`moto answered ${set.status} to its configuration`);
}

async function createMachine(sfn: SFNClient, name: MachineName): Promise<void> {
  const definition = substitute(definitionText(name), SUBSTITUTIONS);
  const roleArn = 'arn:aws:iam::123456789012:role/workflow';
  const { stateMachineArn } = await sfn.send(new CreateStateMachineCommand({ name, definition, roleArn }));
  if (stateMachineArn !== machineArn(name)) throw new Error(`moto named a state machine ${stateMachineArn}`);
}
