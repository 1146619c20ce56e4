import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';

function logged(write: (logger: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  write(
    createLogger('info', {
      write: (line) => {
        text += line;
      },
    }),
  );
  return text;
}

it('keeps keys, secrets and passwords out of every line', () => {
  const text = logged((logger) => {
    logger.info({ headers: { authorization: 'Bearer ld_test_abcdefgh_0123456789abcdefghij' } }, 'request');
    logger.info('key ld_live_abcdefgh_0123456789abcdefghij, whsec_c2VjcmV0, postgres://user:hunter2@host/db');
    logger.info({ url: '/hosted/kyc/tpnypa.cus_1.env_1.EaWez-rc_5QX/you' }, 'page');
    logger.error({ err: new Error('cannot use ld_test_abcdefgh_0123456789abcdefghij') }, 'failed');
  });
  expect(text).not.toContain('0123456789abcdefghij');
  expect(text).not.toContain('c2VjcmV0');
  expect(text).not.toContain('hunter2');
  expect(text).toContain('/hosted/kyc/[redacted]/you');
  expect(text).not.toContain('EaWez');
  expect(text).toContain('ld_test_abcdefgh_[redacted]');
});

it('keeps personal data out by name', () => {
  const customer = {
    id: 'cus_1',
    email: 'ada@example.com',
    firstName: 'Ada',
    lastName: 'Lovelace',
    phone: '+4420',
  };
  const text = logged((logger) => logger.info({ customer }, 'customer'));
  expect(text).not.toMatch(/ada@|Ada|Lovelace|\+4420/);
  expect(text).toContain('cus_1');
});

it('logs an error without the values that it carried', () => {
  const error = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (email)=(ada@example.com)',
  });
  const text = logged((logger) => logger.error({ err: error }, 'failed'));
  expect(text).toContain('23505');
  expect(text).not.toContain('ada@example.com');
});

it("keeps a counterparty's owner and account out by name", () => {
  const counterparty = { id: 'pa_1', accountOwnerName: 'Ada Lovelace', account: '55566677788' };
  const text = logged((logger) => logger.info({ counterparty }, 'counterparty'));
  expect(text).not.toMatch(/Lovelace|55566677788/);
  expect(text).toContain('pa_1');
});
