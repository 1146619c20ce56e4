import { limits } from '../platform/limits.ts';
import { countryName } from './countries.ts';
import type { BirthdayQuestion, Question, ReferenceList } from './questions.ts';

/** Answers by the names of their questions, normalised: trimmed texts, codes, `YYYY-MM-DD`. */
export type Answers = Readonly<Record<string, string>>;

/** A fault of an answer: the field, and the rule. Never contains the answer. */
export interface AnswerFault {
  readonly field: string;
  readonly message: string;
}

/** Finds the name of an entry of a reference list; undefined if the list has no such code. */
export type References = (list: ReferenceList, code: string) => string | undefined;

/** What checking answers depends on. */
export interface AnswerRules {
  readonly nowMs: number;
  readonly references: References;
}

type Checked = { readonly value: string } | { readonly fault: string };

/**
 * Parses and checks typed answers.
 *
 * @param typed returns the text of a field; the fields of a birthday are `<name>.day`, `.month` and `.year`
 * @returns the valid answers, and every fault
 */
export function parseAnswers(
  questions: readonly Question[],
  typed: (field: string) => string,
  rules: AnswerRules,
): { readonly answers: Answers; readonly faults: readonly AnswerFault[] } {
  const answers: Record<string, string> = {};
  const faults: AnswerFault[] = [];
  for (const question of questions) {
    const text = question.kind === 'birthday' ? joinDay(question, typed) : tidy(typed(question.name));
    const checked = text === '' ? missing(question) : check(question, text, rules);
    if ('fault' in checked) faults.push({ field: question.name, message: checked.fault });
    else answers[question.name] = checked.value;
  }
  return { answers, faults };
}

/** Checks stored answers again, because an answer can become invalid with time. */
export function faultsOf(
  questions: readonly Question[],
  answers: Answers,
  rules: AnswerRules,
): readonly AnswerFault[] {
  return questions.flatMap((question) => {
    const text = answers[question.name] ?? '';
    const checked = text === '' ? missing(question) : check(question, text, rules);
    return 'fault' in checked ? [{ field: question.name, message: checked.fault }] : [];
  });
}

function missing({ ask, optional }: Question): Checked {
  return optional ? { value: '' } : { fault: ask };
}

/** Normalises characters to NFC and white space to single spaces. */
function tidy(text: string): string {
  return text.normalize('NFC').replaceAll(/\s+/g, ' ').trim();
}

/** Control characters, lone surrogates, and characters that change the writing direction. */
const unprintable = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\ufffd]/u;

function check(question: Question, text: string, rules: AnswerRules): Checked {
  switch (question.kind) {
    case 'text': {
      if (text.length > question.maxLength) return { fault: `Use ${question.maxLength} characters at most.` };
      if (unprintable.test(text)) return { fault: 'Use printable characters only.' };
      if (question.pattern && !question.pattern.of.test(text)) return { fault: question.pattern.message };
      return { value: text };
    }
    case 'birthday':
      return checkBirthday(text, rules.nowMs);
    case 'country':
      return countryName(text) === undefined ? { fault: question.ask } : { value: text };
    case 'choice':
      return question.choices.some(({ value }) => value === text) ? { value: text } : { fault: question.ask };
    case 'reference':
      return rules.references(question.list, text) === undefined ? { fault: question.ask } : { value: text };
    case 'percent':
      return checkPercent(text);
  }
}

function joinDay({ name }: BirthdayQuestion, typed: (field: string) => string): string {
  const parts = ['year', 'month', 'day'].map((part) => tidy(typed(`${name}.${part}`)));
  if (parts.every((part) => part === '')) return '';
  const [year = '', month = '', day = ''] = parts;
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

function checkBirthday(text: string, nowMs: number): Checked {
  const fault = { fault: 'Enter a real date: day, month and year, such as 10 12 1985.' };
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return fault;
  const date = new Date(`${text}T00:00:00.000Z`);
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text) return fault;
  const age = ageOn(text, new Date(nowMs).toISOString().slice(0, 10));
  if (age < limits.youngestAge) return { fault: `The age must be ${limits.youngestAge} or more.` };
  return age > limits.oldestAge ? fault : { value: text };
}

/** Whole years between two days given as `YYYY-MM-DD`. */
function ageOn(birthday: string, today: string): number {
  const years = Number(today.slice(0, 4)) - Number(birthday.slice(0, 4));
  return today.slice(5) < birthday.slice(5) ? years - 1 : years;
}

function checkPercent(text: string): Checked {
  const match = /^(\d{1,3})(?:[.,](\d{1,2}))? ?%?$/.exec(text);
  const value = match ? `${Number(match[1])}${match[2] === undefined ? '' : `.${match[2]}`}` : '';
  if (!match || Number(value) > 100) return { fault: 'Enter a share from 0 to 100 percent, such as 33.3.' };
  return { value };
}
