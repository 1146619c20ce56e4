/**
 * Preloaded (`node --import`) into a process whose memory is to be known: at its end it writes the greatest resident size
 * that it had, in KiB, to the file that MEMORY_FILE names.
 */
import { readFileSync, writeFileSync } from 'node:fs';

process.on('exit', () => writeFileSync(String(process.env.MEMORY_FILE), String(greatestKib())));

/** Linux: of this program alone. What `resourceUsage` says there includes the parent at the moment of the fork. */
function greatestKib() {
  try {
    return /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  } catch {
    return process.resourceUsage().maxRSS;
  }
}
