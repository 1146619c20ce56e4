/**
 * Preloaded (`node --import`) into a server whose clock is to be wrong: it is off by as many milliseconds as the file says
 * that CLOCK_FILE names. SIGUSR2 has it read anew. Timers and `performance.now()` are as monotonic as ever.
 */
import { readFileSync } from 'node:fs';

const RealDate = Date;
let offsetMs = 0;

function read() {
  offsetMs = Number(readFileSync(String(process.env.CLOCK_FILE), 'utf8'));
}

class ShiftedDate extends RealDate {
  constructor(...parts) {
    const given = /** @type {[number]} */ (parts.length === 0 ? [RealDate.now() + offsetMs] : parts);
    super(...given);
  }

  /** @override */
  static now() {
    return RealDate.now() + offsetMs;
  }
}
globalThis.Date = /** @type {DateConstructor} */ (ShiftedDate);
read();
process.on('SIGUSR2', read);
