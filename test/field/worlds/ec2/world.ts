import * as z from 'zod';
import type { Asked } from '../asked.ts';
import type { CloudWorld } from '../http.ts';
import { Script } from '../script.ts';
import { catalogueActions } from './catalogue-actions.ts';
import { machineActions, type Pace } from './machine-actions.ts';
import { type Action, NETWORK_ACTIONS } from './network-actions.ts';
import { AccountParameters } from './parameters.ts';
import { parametersOf, textAt } from './query.ts';
import { Region } from './region.ts';
import { type Machine, Refusal, stateAt } from './state.ts';
import { answer, identity, refusal } from './xml.ts';

const HOME = 'us-east-1';
const ACCOUNTS = { AKIDFIELD: '111111111111', AKIDOTHER: '222222222222' };
/** The accounts of the cases have the documented policy, without its optional statements about quotas. */
const NO_RIGHT_TO_QUOTAS = {
  __type: 'AccessDeniedException',
  message: 'User is not authorized to perform: servicequotas:ListServiceQuotas',
};
const listQuotasSchema = z.object({ ServiceCode: z.string() });
const NOT_VALID = 'AWS was not able to validate the provided access credentials';

export interface Ec2Options extends Partial<Pace> {
  regions?: readonly string[];
  /** Maps an access key id to its account number. */
  accounts?: Readonly<Record<string, string>>;
}

/** A scripted cloud that answers like EC2, STS and a small part of SSM. It never calls AWS. */
export class Ec2World implements CloudWorld {
  readonly script = new Script();
  /** Values of EC2's quotas in Service Quotas, by code. Empty: the credential may not read quotas. */
  readonly quotas = new Map<string, number>();
  readonly #names: readonly string[];
  readonly #accounts = new Map<string, string>();
  readonly #regions = new Map<string, Region>();
  readonly #parameters = new Map<string, AccountParameters>();
  readonly #actions: Readonly<Record<string, Action>>;

  constructor({ regions = [HOME], accounts = ACCOUNTS, ...pace }: Ec2Options = {}) {
    this.#names = regions;
    for (const [key, account] of Object.entries(accounts)) this.#accounts.set(key, account);
    this.#actions = {
      ...catalogueActions(() => this.#names),
      ...NETWORK_ACTIONS,
      ...machineActions({ bootMs: 8_000, terminateMs: 4_000, addressMs: 0, ...pace }),
    };
  }

  nameOf({ headers, text }: Pick<Asked, 'headers' | 'text'>): string {
    const target = headers.get('x-amz-target');
    return target ? target.slice(target.indexOf('.') + 1) : textAt(parametersOf(text), 'Action');
  }

  async answer({ url, headers, text, atMs: nowMs }: Asked): Promise<Response> {
    const [service, regionName = HOME] = url.hostname.split('.');
    const account = this.#accounts.get(accessKeyOf(headers));
    if (account === undefined) return refusal(401, 'AuthFailure', NOT_VALID);
    if (service === 'sts') return identity(account);
    if (service === 'ssm') return this.#parametersOf(account).answer({ headers, text });
    if (service === 'servicequotas') return this.#quotasOf(text);
    const parameters = parametersOf(text);
    const action = textAt(parameters, 'Action');
    const act = this.#actions[action];
    if (textAt(parameters, 'DryRun') === 'true')
      return refusal(412, 'DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');
    if (!act) return refusal(400, 'InvalidAction', `The action ${action} is not valid for this web service.`);
    try {
      return answer(action, act({ region: this.region(regionName, account), parameters, nowMs }));
    } catch (error) {
      if (error instanceof Refusal) return refusal(error.status, error.code, error.message);
      throw error;
    }
  }

  #quotasOf(text: string): Response {
    if (this.quotas.size === 0) return Response.json(NO_RIGHT_TO_QUOTAS, { status: 400 });
    const { ServiceCode } = listQuotasSchema.parse(JSON.parse(text));
    const Quotas = [...this.quotas].map(([QuotaCode, Value]) => ({
      QuotaCode,
      QuotaName: `Quota ${QuotaCode}`,
      Value,
      Adjustable: true,
    }));
    return Response.json({ Quotas: ServiceCode === 'ec2' ? Quotas : [] });
  }

  #parametersOf(account: string): AccountParameters {
    const known = this.#parameters.get(account) ?? new AccountParameters();
    this.#parameters.set(account, known);
    return known;
  }

  /**
   * Returns the resources of an account in a region. Without an account, uses the first account.
   */
  region(name: string = HOME, account: string = [...this.#accounts.values()][0] ?? ''): Region {
    const key = `${account} ${name}`;
    const known = this.#regions.get(key) ?? new Region(name);
    this.#regions.set(key, known);
    return known;
  }

  /** Returns the machines of all accounts and regions that have not ended. */
  standing(nowMs: number): Machine[] {
    return [...this.#regions.values()].flatMap((region) =>
      [...region.machines.values()].filter((machine) => stateAt(machine, nowMs) !== 'terminated'),
    );
  }

  /** Makes a machine as a restore from a backup does: with a new id, the same tags and no client token. */
  restore(region: Region, { id: original }: Pick<Machine, 'id'>, nowMs: number): Machine {
    const { endsAtMs: _ended, reason: _reason, ...from } = region.machine(original);
    const copy: Machine = {
      ...from,
      id: region.newId('i'),
      reservationId: region.newId('r'),
      launchIndex: 0,
      clientToken: '',
      tags: new Map(from.tags),
      launchedAtMs: nowMs,
      runsAtMs: nowMs,
    };
    region.machines.set(copy.id, copy);
    return copy;
  }
}

function accessKeyOf(headers: Headers): string {
  return /Credential=([^/]+)\//.exec(headers.get('authorization') ?? '')?.[1] ?? '';
}
