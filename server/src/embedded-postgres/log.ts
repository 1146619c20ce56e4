import type { Logger } from '../platform/logger.ts';

/** The part of the logger that the embedded server uses. */
export type EmbeddedLogger = Pick<Logger, 'debug' | 'info' | 'warn'>;

/** The `log_line_prefix`: the kind of process and the SQLSTATE before each message. */
export const logLinePrefix = '%b|%e|';

const linePattern = /^([^|]*)\|([0-9A-Z]{5})\|([A-Z0-9]+): {2}(.*)$/;

/** Connections that are ended or refused during every start and stop (57P0x), and a cancelled vacuum. */
const expectedStates = new Set(['57P01', '57P02', '57P03', '57014']);

/** Messages that PostgreSQL logs as information, but that need attention. */
const alarming = /terminated by (signal|exception)|not properly shut down/;

const tailLines = 15;

/**
 * Forwards PostgreSQL's log line by line: its own failures as warnings, everything else for debugging. Of a failed statement only
 * the SQLSTATE is logged, because the message quotes values; the client has received it.
 *
 * @returns `onLine`, and `tail` with the last lines, for an error message
 */
export function forwardLog(logger: EmbeddedLogger): { onLine(line: string): void; tail(): string } {
  const tail: string[] = [];
  return {
    onLine(line) {
      // The continuation of a message begins with a tab; the first line suffices.
      if (line.startsWith('\t') || line === '') return;
      const [, backend, state, severity, message] = linePattern.exec(line) ?? [];
      const isInternal = backend !== 'client backend';
      const grave = severity === 'FATAL' || severity === 'PANIC';
      const failed = grave || severity === 'ERROR' || severity === 'WARNING';
      if (failed && !grave && !isInternal) {
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
