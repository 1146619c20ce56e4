import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { limits } from '../platform/limits.ts';
import { createEnvironmentBudgets } from './environment-budgets.ts';

const requestWith = (headers: IncomingMessage['headers']) =>
  ({ headers, socket: new EventEmitter() }) as unknown as IncomingMessage;

const routeBytes = 384 * 1024;

it.each([
  ['a declared length', { 'content-length': String(routeBytes - 1) }, routeBytes - 1],
  ['a length that its route refuses', { 'content-length': '900000000' }, routeBytes],
  ['no declared length', { 'transfer-encoding': 'chunked' }, routeBytes],
  ['no body', {}, 0],
])('a request with %s counts as what may be read of it', (_name, headers, bodyBytes) => {
  const budgets = createEnvironmentBudgets();
  const fitting = Math.floor(limits.environmentBytes / (limits.headersBytes + bodyBytes));
  const enter = () => {
    const request = requestWith(headers);
    return { socket: request.socket, budget: budgets.enter('test', request, routeBytes) };
  };
  const entered = Array.from({ length: fitting }, enter);
  expect(enter).toThrow(/under way/);
  expect(() => budgets.enter('live', requestWith(headers), routeBytes)).not.toThrow();
  entered[0]?.budget.leave();
  entered[0]?.socket.emit('close');
  expect(enter).not.toThrow();
  expect(enter).toThrow(/under way/);
  entered[1]?.socket.emit('close');
  expect(enter).not.toThrow();
});
