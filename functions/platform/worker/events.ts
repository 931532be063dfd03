import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';

/** An event that subscribers of the event bus receive. */
export interface DomainEvent {
  /** Detail type of the event on the bus. */
  type: string;
  /** ISO 8601. */
  at: string;
  detail: Readonly<Record<string, unknown>>;
}

const SOURCE = 'fleetwright';
/** Maximum number of events that EventBridge accepts in one request. */
const ENTRIES_PER_CALL = 10;

/** Publishes events on the default bus. @throws Error if EventBridge did not accept all of them */
export function openEvents(client: EventBridgeClient) {
  return async (events: readonly DomainEvent[]): Promise<void> => {
    for (let at = 0; at < events.length; at += ENTRIES_PER_CALL) {
      const Entries = events.slice(at, at + ENTRIES_PER_CALL).map((event) => ({
        Source: SOURCE,
        DetailType: event.type,
        Time: new Date(event.at),
        Detail: JSON.stringify(event.detail),
      }));
      const answer = await client.send(new PutEventsCommand({ Entries }));
      const refused = answer.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined);
      if (refused) throw new Error(`EventBridge did not accept an event: ${refused.ErrorCode}`);
    }
  };
}
