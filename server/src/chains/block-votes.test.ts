import { describe, expect, test } from 'vitest';
import { agreedBlockId, judgeBlock } from './block-votes.ts';

const block = { height: 7, id: 'a' };

describe('a block', () => {
  test.each<[string, readonly string[], number]>([
    ['same', ['a'], 1],
    ['same', ['a', 'a', 'b'], 2],
    ['same', ['a', 'a', 'b', 'b', 'a'], 2],
    ['replaced', ['b'], 1],
    ['replaced', ['a', 'b', 'b'], 2],
    ['unknown', [], 1],
    // One node of those that must agree, or as many for it as against it, prove nothing.
    ['unknown', ['b'], 2],
    ['unknown', ['a', 'b'], 1],
    ['unknown', ['a', 'a', 'b', 'b'], 2],
    ['unknown', ['b', 'c'], 2],
  ])('is %s if nodes have %j and %i must agree', (vote, ids, agreement) => {
    expect(judgeBlock(block, ids, agreement)).toBe(vote);
  });

  test('is agreed on if enough nodes have it, and more than any other', () => {
    expect(agreedBlockId(['a', 'b', 'a'], 2)).toBe('a');
    expect(agreedBlockId(['a', 'b'], 1)).toBeUndefined();
    expect(agreedBlockId(['a'], 2)).toBeUndefined();
    expect(agreedBlockId([], 1)).toBeUndefined();
  });
});
