import { type AcceptDeps, acceptFleet, type MachineNames } from '../../../features/fleets/create-fleet.ts';
import type { Caller } from '../../../model/caller.ts';
import type { FleetRequest } from '../../../model/fleet-request.ts';
import { capReached, deploymentEnding, type FieldError, Problem, refuse } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';

/** A request in the terms of a fleet, also if its body was another one. */
export interface Accepting {
  namespace: string;
  request: FleetRequest;
  idempotencyKey: string | undefined;
  /** Names of the machines. Absent: the request names none. */
  machines?: MachineNames;
  /** Who asks. Undefined: the request does not come through the API. */
  caller: Caller | undefined;
  /** Translates errors about the fleet into errors about the body. Absent: the body is that of a fleet. */
  inBody?: (errors: readonly FieldError[]) => readonly FieldError[];
}

export interface AcceptedFleet {
  fleetId: string;
  /** Present if an earlier request with the same idempotency key has created the fleet. */
  isReplay?: true;
}

/** Accepts a fleet request. @throws Problem if the request is refused */
export async function accept(
  deps: AcceptDeps,
  { namespace, caller, inBody = (errors) => errors, ...asked }: Accepting,
): Promise<AcceptedFleet> {
  const within = await requireNamespace(deps.store, namespace);
  const accepted = await acceptFleet(deps, within, { ...asked, caps: caller?.caps });
  const { request } = asked;
  switch (accepted.outcome) {
    case 'created':
      return { fleetId: accepted.fleetId };
    case 'replayed':
      return { fleetId: accepted.fleetId, isReplay: true };
    case 'name-taken':
      throw new Problem(
        'name-taken',
        `namespace ${namespace} already has a live fleet ${request.name}: choose another name`,
        {
          errors: [
            { pointer: '/name', code: 'duplicate', message: `is the name of fleet ${accepted.fleetId}` },
          ],
        },
      );
    case 'key-reused':
      throw new Problem(
        'idempotency-key-reused',
        'this Idempotency-Key was used with another body: use a new key for a new request',
      );
    case 'deployment-ending':
      throw deploymentEnding(`fleet ${request.name} was not created`, accepted.since);
    case 'cap-reached':
      throw capReached(accepted.reached);
    case 'refused':
      refuse(inBody(accepted.errors));
      throw new Error('the fleet request was refused without an error');
  }
}
