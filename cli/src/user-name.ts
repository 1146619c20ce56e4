import { userInfo } from 'node:os';

/** The name of the operating system user who runs the command. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
