import { describe, expect, it } from 'vitest';
import { industries, occupations, searchReference } from './queries.ts';

describe('the tables', () => {
  it.each([
    ['occupations', occupations, 867, /^\d{2}-\d{4}$/],
    ['industries', industries, 1012, /^\d{6}$/],
  ])('have all %s, each code once, and their source', (_what, table, count, codePattern) => {
    expect(table.entries).toHaveLength(count);
    expect(new Set(table.entries.map(({ code }) => code)).size).toBe(count);
    for (const { code, name } of table.entries) {
      expect(code).toMatch(codePattern);
      expect(name).toBe(name.trim());
      expect(name).not.toBe('');
    }
    expect(table.source).toContain('public domain');
  });
});

describe('a search', () => {
  const codes = (search: string) => searchReference(occupations, search).map(({ code }) => code);

  it.each(['', '   '])('for %j finds everything', (search) => {
    expect(codes(search)).toHaveLength(867);
  });

  it('finds names whatever the case and the order of the words', () => {
    expect(codes('SOFTWARE developers')).toEqual(['15-1252']);
    expect(codes(' developers  software ')).toEqual(['15-1252']);
    expect(codes('software plumbers')).toEqual([]);
  });

  it('finds codes, whole and in part', () => {
    expect(codes('15-1252')).toEqual(['15-1252']);
    expect(codes('15-12').length).toBeGreaterThan(10);
    expect(codes('15-12 software')).toContain('15-1252');
  });

  it('puts an exact code first', () => {
    const entries = [
      { code: '10', name: 'Before 20' },
      { code: '20', name: 'Twenty' },
      { code: '30', name: 'After 20' },
    ];
    const texts = entries.map(({ code, name }) => `${code}\n${name.toLowerCase()}`);
    const found = searchReference({ source: '', entries, texts }, ' 20 ');
    expect(found.map(({ code }) => code)).toEqual(['20', '10', '30']);
  });

  it('takes what is special in a pattern as it stands', () => {
    expect(codes('.*')).toEqual([]);
    expect(codes('[')).toEqual([]);
  });
});
