/** What the figures were taken on. */
import { cpus, platform, release, totalmem } from 'node:os';

export function machineFacts() {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  const memoryGb = Math.round(totalmem() / 1e9);
  return {
    date: new Date().toISOString(),
    machine: `${processors.length} × ${model}, ${memoryGb} GB, ${platform()} ${release()}, Node ${process.versions.node}`,
  };
}
