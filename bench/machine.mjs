/** What the figures were taken on. */
import { cpus, loadavg, platform, release, totalmem } from 'node:os';

export function machineFacts() {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  const memoryGb = Math.round(totalmem() / 1e9);
  return {
    date: new Date().toISOString(),
    /** Of 15 minutes: what else ran on the machine shows in it. */
    load: loadavg()[2].toFixed(1),
    machine: `${processors.length} × ${model}, ${memoryGb} GB, ${platform()} ${release()}, Node ${process.versions.node}`,
  };
}
