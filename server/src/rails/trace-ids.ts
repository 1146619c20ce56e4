import { capitalsAndDigits, digits, seededText, seededUuid } from '../platform/seeded-text.ts';
import { addBankingDays } from './calendar.ts';
import type { Rail } from './rails.ts';
import { civilDateAt } from './zoned-time.ts';

/** The codes of the bank that sends a payment, as trace ids contain them. */
export interface SendingBank {
  /** ABA routing number, 9 digits. */
  readonly routingNumber: string;
  /** The first two digits of its UK sort codes. */
  readonly sortCodePrefix: string;
  /** Brazil: 8 digits. */
  readonly ispb: string;
  /** Nigeria: 6 digits. */
  readonly nipInstitution: string;
  /** Four capital letters of its own. */
  readonly letters: string;
}

/** The values that a trace id is made of. */
export interface TraceOrigin {
  /** The transaction's id. The same seed and time give the same trace id. */
  readonly seed: string;
  /** The time of submission, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
  readonly sender: SendingBank;
  /** Replaces the part that is derived from the seed, on rails that number their payments. */
  readonly sequence?: number;
}

interface TraceForm {
  readonly pattern: RegExp;
  readonly description: string;
  make(origin: TraceOrigin): string;
}

/** Digits of the sequence, or derived from the seed. */
function serial({ seed, sequence }: TraceOrigin, length: number): string {
  if (sequence === undefined) return seededText(digits, length, { seed, purpose: 'trace' });
  return String(sequence).slice(-length).padStart(length, '0');
}

function characters({ seed }: TraceOrigin, length: number): string {
  return seededText(capitalsAndDigits, length, { seed, purpose: 'trace' });
}

/** `yyyymmddHHMMSS`, UTC. */
function stamp({ nowMs }: TraceOrigin, length: 8 | 12 | 14): string {
  return new Date(nowMs).toISOString().replaceAll(/\D/g, '').slice(0, length);
}

/** The Fedwire day begins at 21:00 of the calendar day before. */
const fedwireOpensEarlyMs = 3 * 3600 * 1000;

function fedwireDay({ nowMs }: TraceOrigin): string {
  const today = civilDateAt(nowMs + fedwireOpensEarlyMs, 'America/New_York');
  return addBankingDays('federal_reserve', today, 0).replaceAll('-', '');
}

const ach: TraceForm = {
  pattern: /^\d{15}$/,
  description: 'Trace number: 8 digits of the sending routing number, 7 of sequence',
  make: (origin) => origin.sender.routingNumber.slice(0, 8) + serial(origin, 7),
};

const uetr: TraceForm = {
  pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  description: 'UETR: a UUID of version 4',
  make: ({ seed }) => seededUuid({ seed, purpose: 'uetr' }),
};

const forms: Readonly<Record<Rail, TraceForm>> = {
  ach,
  ach_same_day: ach,
  wire: {
    pattern: /^\d{8}[A-Z0-9]{8}\d{6}$/,
    description: 'IMAD: the date as yyyymmdd, 8 characters of the sender, 6 digits of sequence',
    make: (origin) => `${fedwireDay(origin)}${origin.sender.letters}0001${serial(origin, 6)}`,
  },
  // The Clearing House, RTP message specifications: MYYYYMMDDbbbbbbbbbbbBAAAnnnnnnnnnnn.
  rtp: {
    pattern: /^M\d{8}\d{11}B[A-Z]{3}\d{11}$/,
    description:
      'Message id: M, the date as yyyymmdd, 11 digits of the participant, B, 3 letters, 11 digits of sequence',
    make: (origin) => `M${stamp(origin, 8)}${origin.sender.routingNumber}01BAAA${serial(origin, 11)}`,
  },
  fednow: {
    pattern: /^\d{8}\d{9}[A-Z0-9]{18}$/,
    description:
      'Message id: the date as yyyymmdd, the sending routing number, 18 characters of the sender’s own',
    make: (origin) => stamp(origin, 8) + origin.sender.routingNumber + characters(origin, 18),
  },
  sepa: uetr,
  faster_payments: {
    pattern: /^[A-Z0-9]{18}\d{11}\d{8}82610$/,
    description:
      'FPID: 18 characters of reference, 11 digits of the sender, the date as yyyymmdd, 826 for gbp, 10 for an immediate payment',
    make: (origin) =>
      `${characters(origin, 18)}00000${origin.sender.sortCodePrefix}0001${stamp(origin, 8)}82610`,
  },
  spei: {
    pattern: /^[A-Z0-9]{30}$/,
    description: 'Clave de rastreo: 30 letters and digits',
    make: (origin) => origin.sender.letters + stamp(origin, 8) + characters(origin, 18),
  },
  // Banco Central do Brasil, Manual de Padrões para Iniciação do Pix: EndToEndId. Its time is UTC.
  pix: {
    pattern: /^E\d{8}\d{12}[A-Za-z0-9]{11}$/,
    description:
      'End-to-end id: E, 8 digits of the sender (ISPB), yyyymmddHHMM in UTC, 11 letters and digits',
    make: (origin) => `E${origin.sender.ispb}${stamp(origin, 12)}${characters(origin, 11)}`,
  },
  swift: uetr,
  nip: {
    pattern: /^\d{30}$/,
    description: 'Session id: 6 digits of the sender, yymmddHHMMSS, 12 digits of sequence',
    make: (origin) => origin.sender.nipInstitution + stamp(origin, 14).slice(2) + serial(origin, 12),
  },
  // GhIPSS and the mobile networks publish no format; these formats are OpenLedger's own.
  ghipss: {
    pattern: /^GIP\d{8}\d{12}$/,
    description: 'Transaction id: GIP, the date as yyyymmdd, 12 digits of sequence',
    make: (origin) => `GIP${stamp(origin, 8)}${serial(origin, 12)}`,
  },
  mobile_money: {
    pattern: /^MM\d{8}[A-Z0-9]{12}$/,
    description: 'Transaction id: MM, the date as yyyymmdd, 12 letters and digits',
    make: (origin) => `MM${stamp(origin, 8)}${characters(origin, 12)}`,
  },
};

/** Makes the trace id of a payment in the rail's own format. */
export function traceId(rail: Rail, origin: TraceOrigin): string {
  return forms[rail].make(origin);
}

/** The pattern that every trace id of a rail matches. */
export function traceIdPattern(rail: Rail): RegExp {
  return forms[rail].pattern;
}

/** Describes the format of a rail's trace ids. */
export function describeTraceId(rail: Rail): string {
  return forms[rail].description;
}
