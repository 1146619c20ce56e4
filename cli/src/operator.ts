import { userInfo } from 'node:os';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { limits } from '@openledger/server/platform/limits.ts';

/** The name of the operating system user who runs the command. */
export function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Returns the value of `--reason` without surrounding spaces. @throws ConfigError if it is empty or too long */
export function parseReason(text: string): string {
  const reason = text.trim();
  if (reason === '' || reason.length > limits.shortTextLength || !reason.isWellFormed()) {
    throw new ConfigError(`--reason: must have 1 to ${limits.shortTextLength} characters.`);
  }
  return reason;
}
