import { createLogger, type Logger } from '../../server/src/platform/logger.ts';
import { isConnectionLoss } from '../../server/src/store/transaction.ts';

/** A logger whose errors a test can be failed by. */
export interface WatchedLog {
  readonly logger: Logger;
  /** The lines of level error, but for connections or a database that a test has taken away. */
  readonly errors: readonly string[];
}

/**
 * Work in the background tries again whatever fails, so that a fault may show as slowness only: its errors are collected.
 * They are printed as well from the level of TEST_LOG_LEVEL on.
 */
export function watchLog(): WatchedLog {
  const errors: string[] = [];
  const level = process.env.TEST_LOG_LEVEL;
  const logger = createLogger(level === undefined || level === 'silent' ? 'error' : level, {
    write(line: string) {
      if (level !== undefined) process.stderr.write(line);
      const { err, level: own } = JSON.parse(line) as { level: string; err?: LoggedError };
      if (own === 'error' && !isLost(err)) errors.push(line);
    },
  });
  return { logger, errors };
}

const noSuchDatabase = '3D000';

interface LoggedError {
  readonly message?: string;
  readonly code?: string;
}

function isLost(error: LoggedError | undefined): boolean {
  if (error === undefined) return false;
  return error.code === noSuchDatabase || isConnectionLoss(Object.assign(new Error(error.message), error));
}
