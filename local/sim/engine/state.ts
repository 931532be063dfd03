import type { ActiveFault } from './faults.ts';
import type {
  AccountRule,
  InstanceRecord,
  ResourceRecord,
  SimEvent,
  SiteKey,
  VolumeRecord,
} from './records.ts';
import { bootedAtMs } from './status.ts';

/**
 * Time in ms after an instance's termination during which an outdated list may still show the instance. After
 * this time, only the books (the clouds' own record) show the instance.
 */
export const RETENTION_MS = 60_000;

export interface Site {
  key: SiteKey;
  /** Instances that a list may still show, by backend id, in the order of acceptance. */
  live: Map<string, InstanceRecord>;
  gone: InstanceRecord[];
  /** Backend id of the first instance of each launch token. */
  byToken: Map<string, string>;
  resources: Map<string, ResourceRecord>;
  /** Volumes by backend id, also those that ended with their instances. */
  volumes: Map<string, VolumeRecord>;
  calls: Record<string, number>;
  throttled: number;
  violations: Record<string, number>;
  sequence: number;
  /**
   * Backend ids of instances that held a slot when `pendingAt` was last called, or were created after that
   * call.
   */
  pending: Set<string>;
  /** Backend ids of live instances whose time of termination is set. */
  ending: Set<string>;
}

/** A short text that an account of a cloud stores. */
export interface Note {
  cloud: string;
  account: string;
  name: string;
  value: string;
}

/** Holds the clouds' state. Only events change the state, and a journal of all events restores it. */
export class SimState {
  seed = 0;
  /** Increases with each reset, to make every id unique. */
  epoch = 0;
  readonly sites = new Map<string, Site>();
  readonly faults = new Map<string, ActiveFault>();
  readonly locationUp = new Map<string, boolean>();
  readonly accounts = new Map<string, AccountRule>();
  /** Notes by cloud, account and name. */
  readonly notes = new Map<string, Note>();

  site(key: SiteKey): Site {
    const id = `${key.cloud}\n${key.account}\n${key.location}`;
    const known = this.sites.get(id);
    if (known) return known;
    const { cloud, account, location } = key;
    const site: Site = {
      key: { cloud, account, location },
      live: new Map(),
      gone: [],
      byToken: new Map(),
      resources: new Map(),
      volumes: new Map(),
      calls: {},
      throttled: 0,
      violations: {},
      sequence: 0,
      pending: new Set(),
      ending: new Set(),
    };
    this.sites.set(id, site);
    return site;
  }

  apply(event: SimEvent): void {
    switch (event.kind) {
      case 'reset':
        for (const map of [this.sites, this.faults, this.locationUp, this.accounts, this.notes]) map.clear();
        this.seed = event.seed;
        this.epoch = event.epoch;
        return;
      case 'instance':
        this.#putInstance(event.record);
        return;
      case 'resource':
        this.site(event.record).resources.set(event.record.backendId, event.record);
        return;
      case 'volume':
        this.site(event.record).volumes.set(event.record.backendId, event.record);
        return;
      case 'volume-gone':
        this.site(event.site).volumes.delete(event.backendId);
        return;
      case 'resource-gone':
        this.site(event.site).resources.delete(event.backendId);
        return;
      case 'call': {
        const { calls } = this.site(event.site);
        calls[event.call] = (calls[event.call] ?? 0) + 1;
        return;
      }
      case 'throttled': {
        const site = this.site(event.site);
        site.throttled += 1;
        if (event.violation) site.violations[event.violation] = (site.violations[event.violation] ?? 0) + 1;
        return;
      }
      case 'counts': {
        const { calls, throttled, violations, sequence } = event;
        Object.assign(this.site(event.site), { calls, throttled, violations, sequence });
        return;
      }
      case 'fault':
        this.faults.set(event.fault.id, event.fault);
        return;
      case 'fault-gone':
        this.faults.delete(event.id);
        return;
      case 'location':
        this.locationUp.set(`${event.cloud}\n${event.location}`, event.up);
        return;
      case 'account':
        this.accounts.set(event.account, event.rule);
        return;
      case 'note': {
        const { cloud, account, name, value } = event;
        const id = `${cloud}\n${account}\n${name}`;
        if (value === undefined) this.notes.delete(id);
        else this.notes.set(id, { cloud, account, name, value });
        return;
      }
    }
  }

  /** Returns a minimal list of events that restores this state. */
  snapshot(): SimEvent[] {
    const events: SimEvent[] = [{ kind: 'reset', seed: this.seed, epoch: this.epoch }];
    for (const [account, rule] of this.accounts) events.push({ kind: 'account', account, rule });
    for (const [id, up] of this.locationUp) {
      const [cloud = '', location = ''] = id.split('\n');
      events.push({ kind: 'location', cloud, location, up });
    }
    for (const fault of this.faults.values()) events.push({ kind: 'fault', fault });
    for (const note of this.notes.values()) events.push({ kind: 'note', ...note });
    for (const {
      key,
      live,
      gone,
      resources,
      volumes,
      calls,
      throttled,
      violations,
      sequence,
    } of this.sites.values()) {
      for (const record of resources.values()) events.push({ kind: 'resource', record });
      for (const record of volumes.values()) events.push({ kind: 'volume', record });
      for (const record of [...gone, ...live.values()]) events.push({ kind: 'instance', record });
      events.push({ kind: 'counts', site: key, calls, throttled, violations, sequence });
    }
    return events;
  }

  /** Counts the instances of a site that hold a slot: accepted, not booted yet, and not to be removed. */
  pendingAt(site: Site, nowMs: number): number {
    for (const backendId of site.pending) {
      const record = site.live.get(backendId);
      if (!record || record.removeAskedAtMs !== undefined || bootedAtMs(record) <= nowMs) {
        site.pending.delete(backendId);
      }
    }
    return site.pending.size;
  }

  /** Moves instances to `gone` when `RETENTION_MS` has passed since their termination. */
  retire(site: Site, nowMs: number): void {
    for (const backendId of site.ending) {
      const record = site.live.get(backendId);
      if (record?.terminatedAtMs === undefined || record.terminatedAtMs + RETENTION_MS > nowMs) continue;
      site.ending.delete(backendId);
      site.live.delete(backendId);
      site.gone.push(record);
      for (const volume of site.volumes.values()) {
        const endsWith = volume.deleteOnTermination && !volume.outlives && volume.instanceId === backendId;
        if (endsWith) site.volumes.delete(volume.backendId);
      }
    }
  }

  #putInstance(record: InstanceRecord): void {
    const site = this.site(record);
    site.live.set(record.backendId, record);
    site.sequence = Math.max(site.sequence, record.sequence);
    if (record.removeAskedAtMs === undefined) site.pending.add(record.backendId);
    if (record.terminatedAtMs !== undefined) site.ending.add(record.backendId);
    if (record.launchToken !== undefined && !site.byToken.has(record.launchToken)) {
      site.byToken.set(record.launchToken, record.backendId);
    }
  }
}
