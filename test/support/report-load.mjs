/**
 * Preloaded (`node --import`) into a process whose load is to be known: it keeps its resident size, and the most CPU time
 * that it has used without a pause, in the file that LOAD_FILE names.
 *
 * Between two turns of a timer the process has worked on what came meanwhile: no request can have taken more CPU time
 * without a pause than the whole process, its helpers among it, has used from one turn to the next.
 */
import { renameSync, writeFileSync } from 'node:fs';

const turnMs = 20;
const reportMs = 500;
let last = process.cpuUsage();
let longestCpuMs = 0;
let reportedMs = performance.now();
let isStarting = true;

const timer = setInterval(() => {
  const { system, user } = process.cpuUsage(last);
  last = process.cpuUsage();
  longestCpuMs = Math.max(longestCpuMs, (system + user) / 1000);
  if (performance.now() - reportedMs < reportMs) return;
  // What came before the first report is the start of the program.
  if (isStarting) longestCpuMs = 0;
  isStarting = false;
  reportedMs = performance.now();
  const file = String(process.env.LOAD_FILE);
  writeFileSync(`${file}.new`, JSON.stringify({ residentBytes: process.memoryUsage.rss(), longestCpuMs }));
  renameSync(`${file}.new`, file);
}, turnMs);
timer.unref();
