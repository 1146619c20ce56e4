import type { Logger } from '../platform/logger.ts';

/** The part of the logger that the embedded server uses. */
export type EmbeddedLogger = Pick<Logger, 'debug' | 'info' | 'warn'>;

/** What PostgreSQL writes before each message: the kind of process and the SQLSTATE. `log_line_prefix`. */
export const logLinePrefix = '%b|%e|';

const linePattern = /^([^|]*)\|([0-9A-Z]{5})\|([A-Z0-9]+): {2}(.*)$/;

/** A client told to go away or to come later: part of every start and stop. Class 57P0x, and a cancelled vacuum. */
const expectedStates = new Set(['57P01', '57P02', '57P03', '57014']);

/** Written as mere information, but somebody should know. */
const alarming = /terminated by (signal|exception)|not properly shut down/;

const tailLines = 15;

/**
 * Takes PostgreSQL's log line by line and passes it on. Its own troubles are warnings, the rest is for debugging.
 * A statement that failed goes to the log by its SQLSTATE only: the message quotes what the client sent, and the client
 * has been told.
 *
 * @returns `onLine`, and `tail` with the last lines, for an error message
 */
export function forwardLog(logger: EmbeddedLogger): { onLine(line: string): void; tail(): string } {
  const tail: string[] = [];
  return {
    onLine(line) {
      // Messages of several lines go on after a tab; the first line is enough.
      if (line.startsWith('\t') || line === '') return;
      const [, backend, state, severity, message] = linePattern.exec(line) ?? [];
      const ours = backend !== 'client backend';
      const grave = severity === 'FATAL' || severity === 'PANIC';
      const failed = grave || severity === 'ERROR' || severity === 'WARNING';
      if (failed && !grave && !ours) {
        logger.debug({ sqlState: state }, 'PostgreSQL refused a statement');
        return;
      }
      const text = message ?? line;
      tail.push(severity === undefined ? text : `${severity}: ${text}`);
      if (tail.length > tailLines) tail.shift();
      const log = (failed && !expectedStates.has(state ?? '')) || alarming.test(text) ? 'warn' : 'debug';
      logger[log]({ backend, sqlState: state }, `PostgreSQL: ${text}`);
    },
    tail: () => tail.join('\n'),
  };
}
