import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main as openledger } from '../../cli/src/main.ts';
import { parseChains } from '../../server/src/chains/config.ts';
import { parsePolicy } from '../../server/src/custody/policy-file.ts';
import { guideNames } from '../../server/src/http/docs/guides.ts';
import { readConfig } from '../../server/src/platform/config.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { readRulesFile } from '../../server/src/screening/rules.ts';
import { nextAttemptDelayMs } from '../../server/src/webhooks/retry.ts';
import { newWebhookSecret, signatureHeaders } from '../../server/src/webhooks/signature.ts';
import { runExamples } from '../support/examples.ts';
import { codeBlocks, importSnippet, readGuide, tableRows } from '../support/guides.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** The guides: their examples run, and what they state is what the code does. */

const directory = mkdtempSync(join(tmpdir(), 'openledger-guides-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the examples of the guides', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ sandboxStepMs: 3_600_000 });
  });
  afterAll(() => server.stop());

  it.each(guideNames)('%s: they run as they are written, and every response is a success', async (name) => {
    const scripts = codeBlocks(readGuide(name), 'sh run');
    expect(scripts.length).toBeGreaterThan(0);
    const folder = mkdtempSync(join(directory, `${name}-`));
    const { answers, code, stderr } = await runExamples(scripts.join('\n'), server, folder);
    expect(code, stderr).toBe(0);
    for (const answer of answers.filter((line) => line.startsWith('{"ok"'))) {
      expect(JSON.parse(answer), answer).toMatchObject({ ok: true });
    }
    const calls = scripts.join('\n').match(/\bcurl -s/g) ?? [];
    expect(answers.length).toBeGreaterThanOrEqual(calls.length);
  });
});

/** What the help and the guide state about a setting. */
interface Setting {
  readonly variable: string;
  readonly default: string;
}

/** The settings that `--help` lists, by their long flags. */
function settingsOfHelp(): Map<string, Setting> {
  const shown = readConfig(['--help']);
  const options = 'helpText' in shown ? (shown.helpText.split('Options:\n')[1] ?? '') : '';
  const settings = new Map<string, Setting>();
  for (const option of options.split(/\n(?= {2}-)/)) {
    const text = option.replaceAll(/\s+/g, ' ');
    const flag = /(--[a-z-]+)/.exec(text)?.[1];
    if (flag === undefined || flag === '--help') continue;
    settings.set(flag, {
      variable: /env: (\w+)\)/.exec(text)?.[1] ?? '',
      default: (/\(default: "?(.*?)"?(?:, env: \w+)?\)/.exec(text)?.[1] ?? '').trim(),
    });
  }
  return settings;
}

describe('configuration', () => {
  it('lists every setting with its environment variable and default, and no other', () => {
    const rows = [...readGuide('configuration').matchAll(/^\| `(--[a-z-]+)` +\|(.*?)\|(.*?)\|.*\|$/gm)];
    const plain = (cell = ''): string => cell.replaceAll('`', '').trim();
    const listed = rows.map(([, flag = '', variable, fallback]) => [
      flag,
      { variable: plain(variable), default: plain(fallback) },
    ]);
    const settings = settingsOfHelp();
    expect(settings.get('--port')).toEqual({ variable: 'PORT', default: '4000' });
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(settings));
    expect(listed).toHaveLength(settings.size);
  });
});

describe('files', () => {
  it('the server accepts the files of chains', () => {
    const files = codeBlocks(readGuide('chains'), 'json');
    expect(files.length).toBeGreaterThan(1);
    for (const text of files) expect(parseChains(text), text).toHaveProperty('chains');
  });

  it('the signer accepts the policy, the server the rules of screening', () => {
    const [policy = ''] = codeBlocks(readGuide('keys'), 'json');
    expect(Object.keys(parsePolicy(policy))).toEqual(['ethereum']);
    const [rules = ''] = codeBlocks(readGuide('screening'), 'json');
    writeFileSync(join(directory, 'rules.json'), rules);
    expect(readRulesFile(join(directory, 'rules.json')).velocity?.hours).toBe(24);
  });
});

describe('the command line', () => {
  const text = guideNames.map(readGuide).join('\n');

  it('has the commands and options of the guides', async () => {
    const lines = text.replaceAll('\\\n', ' ').split('\n');
    const calls = lines.flatMap((line) => /^npx openledger ([^#]*)/.exec(line)?.[1] ?? []);
    expect(calls.length).toBeGreaterThan(20);
    const wanted = new Map<string, Set<string>>();
    for (const call of calls) {
      const name = /^[a-z-]+(?: (?:[a-z][a-z-]*)(?= |$))?/.exec(call)?.[0].trim() ?? '';
      const flags = wanted.get(name) ?? new Set();
      for (const [flag] of call.matchAll(/--[a-z-]+/g)) flags.add(flag);
      wanted.set(name, flags);
    }
    for (const [name, flags] of wanted) {
      const help = await helpOf(name.split(' '));
      expect(help).toContain(`Usage: openledger ${name.replace(' default', '')}`);
      for (const flag of flags) expect(help, name).toContain(flag);
    }
  });

  it('has no command that the guide does not list', async () => {
    const listed = new Set(
      tableRows(readGuide('command-line'), 'All commands').flatMap(([cell = '']) =>
        [...cell.matchAll(/`([a-z-]+)/g)].map(([, name]) => name),
      ),
    );
    const help = await helpOf([]);
    const commands = [...(help.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z-]+) /gm)].map(
      ([, name]) => name,
    );
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.filter((name) => name !== 'help' && !listed.has(name))).toEqual([]);
  });

  async function helpOf(command: readonly string[]): Promise<string> {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await openledger([...command, '--help']);
    const help = written.mock.calls.map(([part]) => String(part)).join('');
    written.mockRestore();
    return help;
  }
});

describe('webhooks', () => {
  const guide = readGuide('webhooks');

  it('states the waits of the retries', () => {
    const duration = (ms: number): string => {
      const seconds = ms / 1000;
      if (seconds < 60) return `${seconds} s`;
      return seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;
    };
    const waits = Array.from({ length: limits.deliveryAttempts }, (_, index) => {
      const delayMs = index === 0 ? null : nextAttemptDelayMs(index, null, () => 0.5);
      return [String(index + 1), delayMs === null ? 'none' : duration(delayMs)];
    });
    expect(tableRows(guide, 'Retries')).toEqual(waits);
  });

  it('states the limits that the server has', () => {
    const text = guide.replaceAll(/\s+/g, ' ');
    expect(text).toContain(`within ${limits.deliveryTimeoutMs / 1000} seconds`);
    expect(text).toContain(`makes ${limits.deliveryAttempts} attempts`);
    expect(text).toContain(`After ${limits.deliveryFailuresUntilPaced} consecutive failures`);
    expect(text).toContain(`at most ${limits.deliveryPacedPerSecond} attempts a second`);
    expect(text).toContain(`sign for ${limits.secretOverlapSeconds / 3600} hours`);
  });

  it('events states those of streams', () => {
    const text = readGuide('events').replaceAll(/\s+/g, ' ');
    expect(text).toContain(`ends each stream after ${limits.eventStreamMs / 60_000} minutes`);
    expect(text).toContain(`can have ${limits.eventStreamsPerEnvironment} open streams`);
  });
});

const { isGenuine } = await importSnippet<{
  isGenuine(rawBody: string, header: string, secret: string): boolean;
}>('webhooks', 'isGenuine');

describe('isGenuine', () => {
  const rawBody = '{"id":"evt_1","data":{"name":"Ädа €"}}';
  const secrets = [newWebhookSecret(), newWebhookSecret()];
  const now = Math.floor(Date.now() / 1000);
  const signature = (timestampSeconds: number): string =>
    signatureHeaders({ eventId: 'evt_1', eventType: 'webhook.test', rawBody, secrets, timestampSeconds })[
      'X-Ledger-Signature'
    ] ?? '';

  it('accepts what the server sends, with either of two secrets', () => {
    for (const secret of secrets) expect(isGenuine(rawBody, signature(now), secret)).toBe(true);
  });

  it.each([
    ['another body', `${rawBody} `, signature(now), secrets[0]],
    ['another secret', rawBody, signature(now), newWebhookSecret()],
    ['an old delivery', rawBody, signature(now - 600), secrets[0]],
    ['a changed time', rawBody, signature(now).replace(`t=${now}`, `t=${now + 1}`), secrets[0]],
    ['no signature', rawBody, `t=${now}`, secrets[0]],
    ['an empty header', rawBody, '', secrets[0]],
    ['a signature that is not hexadecimal', rawBody, `t=${now},v1=zz,v1`, secrets[0]],
  ])('rejects %s', (_what, body, header, secret) => {
    expect(isGenuine(body, header, secret ?? '')).toBe(false);
  });
});
