import { newWebhookSecret } from '@openledger/server/webhooks/signature.ts';
import { Agent } from 'undici';
import type { Connection } from './connection.ts';
import { endOfEvents, followEvents, type StreamedEvent } from './event-stream.ts';
import { type Forwarded, forwardEvent } from './forward.ts';
import { printLine } from './print.ts';

/** The options of `openledger listen`. */
export interface ListenOptions {
  /** The receiver of the events; without one they are only printed. */
  readonly forwardTo?: string;
  /** Names and patterns, separated by commas; all events if left out. */
  readonly events?: string;
  /** The secret, read from the file of the option. */
  readonly secretFile?: string;
  /** Starts at the first event instead of now. */
  readonly fromStart: boolean;
}

/** Prints events as they happen, one per line, and forwards them to a local receiver, until Ctrl-C. */
export async function listenCommand(connection: Connection, options: ListenOptions): Promise<void> {
  const { events, forwardTo, fromStart, secretFile: secret = newWebhookSecret() } = options;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  const agent = new Agent();
  const counts = { events: 0, failed: 0 };

  const handle = async (event: StreamedEvent): Promise<void> => {
    const done = forwardTo && (await forwardEvent(agent, forwardTo, secret, event, ending.signal));
    if (ending.signal.aborted) return;
    counts.events += 1;
    if (done && !done.success) counts.failed += 1;
    printLine(lineOf(event, done || undefined));
  };

  let isOpen = false;
  let hasBegun = false;
  const hooks = {
    onOpen() {
      if (!hasBegun) for (const line of greeting(connection, options, secret)) printLine(line);
      else if (!isOpen) printLine('… connected again; nothing was missed');
      [isOpen, hasBegun] = [true, true];
    },
    onLost(why: string) {
      if (isOpen) printLine(`… waiting: ${why}`);
      isOpen = false;
    },
  };
  try {
    await followEvents(
      connection,
      { from: fromStart ? 'start' : await endOfEvents(connection), types: events },
      handle,
      hooks,
      ending.signal,
    );
    const failed = counts.failed === 0 ? '' : `, ${counts.failed} not taken by the receiver`;
    printLine(`${counts.events} ${counts.events === 1 ? 'event' : 'events'}${failed}`);
  } finally {
    await agent.destroy();
  }
}

function greeting({ key, url }: Connection, { forwardTo }: ListenOptions, secret: string): string[] {
  const kind = key.startsWith('ld_live_') ? 'live' : 'test';
  const what = `Listening to ${url} (${kind})`;
  if (forwardTo === undefined) return [`${what}. Ctrl-C ends it.`, ''];
  return [`${what}, forwarding to ${forwardTo}. Ctrl-C ends it.`, `Events are signed with ${secret}`, ''];
}

const typeWidth = 24;

function lineOf({ id, type }: StreamedEvent, done: Forwarded | undefined): string {
  const time = new Date().toTimeString().slice(0, 8);
  const line = `${time}  ${type.padEnd(typeWidth)} ${id}`;
  return done ? `${line}  → ${done.answer}  ${done.durationMs} ms` : line;
}
