/**
 * Preloaded (`node --import`) into a server whose clock is to be wrong: it is off by as many milliseconds as the file says
 * that CLOCK_FILE names. SIGUSR2 has it read anew. Timers and `performance.now()` are as monotonic as ever.
 */
import { readFileSync } from 'node:fs';

const RealDate = Date;
let offsetMs = 0;

function read() {
  offsetMs = Number(readFileSync(process.env.CLOCK_FILE, 'utf8'));
}

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + offsetMs);
    else super(...parts);
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};
read();
process.on('SIGUSR2', read);
