import { expect, test } from 'vitest';
import { coreExposure } from '../../cli/src/signer-process.ts';

const limitsOf = (soft: string, hard: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units
Max core file size        ${soft.padEnd(20)} ${hard.padEnd(20)} bytes
`;
const handler = '|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h';

test.each<[string, string, string, string, ReturnType<typeof coreExposure>]>([
  ['a file, none allowed', 'core', '0', '0', 'none'],
  ['a file, one byte', 'core', '1', '1', 'none'],
  ['a file, allowed', 'core', 'unlimited', 'unlimited', 'file'],
  ['a file, which the process could allow', 'core', '0', 'unlimited', 'file'],
  ['a program, which ignores a limit of 0', handler, '0', '0', 'pipe'],
  ['a program, without a limit', handler, 'unlimited', 'unlimited', 'pipe'],
  ['a program, one byte: the kernel pipes nothing', handler, '1', '1', 'none'],
  ['a program, one byte that can be raised', handler, '1', 'unlimited', 'pipe'],
])('where core dumps of the signer go: %s', (_, pattern, soft, hard, exposure) => {
  expect(coreExposure(pattern, limitsOf(soft, hard))).toBe(exposure);
});

test('a system without /proc has no limits to read', () => {
  expect(coreExposure('', '')).toBe('none');
});
