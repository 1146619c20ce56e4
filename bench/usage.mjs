/** What processes use of the machine, from Linux's /proc; nothing where there is none. */
import { readdirSync, readFileSync } from 'node:fs';

const tickMs = 10;

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The resident size of a process in MB (10^6 bytes). */
function residentMb(pid) {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6;
}

/** The CPU time that a server and its PostgreSQL have used, in milliseconds: all processes that descend from it. */
export function cpuMs(pid) {
  const parents = new Map();
  const times = new Map();
  const names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  for (const name of names) {
    const fields = read(`/proc/${name}/stat`)
      ?.replace(/^.*\) /s, '')
      .split(' ');
    if (!fields) continue;
    parents.set(Number(name), Number(fields[1]));
    // Ended children count: a backend that has left has used its time all the same.
    times.set(Number(name), [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) * tickMs);
  }
  const descends = (id) => {
    for (let at = id; at > 1; at = parents.get(at) ?? 0) if (at === pid) return true;
    return false;
  };
  let sum = 0;
  for (const [id, time] of times) if (descends(id)) sum += time;
  return sum;
}

/** Watches the resident size of a process until it is stopped. */
export function watchResident(pid) {
  let greatest = residentMb(pid);
  const look = () => {
    greatest = Math.max(greatest ?? 0, residentMb(pid) ?? 0);
  };
  const timer = setInterval(look, 100).unref();
  return {
    /** The greatest so far, in MB; undefined where there is no /proc. */
    greatestMb() {
      if (greatest !== undefined) look();
      return greatest;
    },
    stop: () => clearInterval(timer),
  };
}
