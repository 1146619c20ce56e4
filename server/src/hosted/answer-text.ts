import type { Answers } from '../identity/answers.ts';
import { countryName } from '../identity/countries.ts';
import type { Question } from '../identity/questions.ts';
import { references } from './references.ts';

const days = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});

/** A saved answer as it is displayed; empty if there is none. */
export function answerText(question: Question, answers: Answers): string {
  const kept = answers[question.name] ?? '';
  if (kept === '') return '';
  switch (question.kind) {
    case 'birthday':
      return days.format(new Date(`${kept}T00:00:00.000Z`));
    case 'country':
      return countryName(kept) ?? kept;
    case 'choice':
      return question.choices.find(({ value }) => value === kept)?.label ?? kept;
    case 'reference':
      return references(question.list, kept) ?? kept;
    case 'percent':
      return `${kept} %`;
    case 'text':
      return kept;
  }
}
