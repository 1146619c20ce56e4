import type { AnswerFault, Answers } from '../identity/answers.ts';
import { countries } from '../identity/countries.ts';
import type {
  BirthdayQuestion,
  ChoiceQuestion,
  CountryQuestion,
  PercentQuestion,
  Question,
  ReferenceQuestion,
  TextQuestion,
} from '../identity/questions.ts';
import { type Html, html, type Piece, verbatim } from '../platform/html.ts';
import { references, searchList } from './references.ts';

/** The texts of a page's fields: typed or saved ones. */
export interface Filled {
  text(field: string): string;
  fault(field: string): string | undefined;
}

/** Fields with saved answers. */
export function filledWith(answers: Answers): Filled {
  const text = (field: string): string => {
    const [name = '', part] = field.split('.');
    const kept = answers[name] ?? '';
    if (part === undefined) return kept;
    const at = ['year', 'month', 'day'].indexOf(part);
    return at < 0 ? '' : (kept.split('-')[at] ?? '').replace(/^0/, '');
  };
  return { text, fault: () => undefined };
}

/** Fields as they were typed, with their faults. */
export function filledBy(typed: (field: string) => string, faults: readonly AnswerFault[]): Filled {
  return { text: typed, fault: (name) => faults.find(({ field }) => field === name)?.message };
}

/** Renders the faults of a page, each with a link to its field. */
export function faultSummary(faults: readonly AnswerFault[]): Html | undefined {
  if (faults.length === 0) return undefined;
  const items = faults.map(({ field, message }) => html`<li><a href="#${idOf(field)}">${message}</a></li>`);
  return html`<div class="faults" role="alert" aria-labelledby="faults-title">
<h2 id="faults-title">Please check this</h2>
<ul>${items}</ul>
</div>`;
}

/** The id of a question's first field. */
export function idOf(field: string): string {
  return `field-${field.replaceAll('.', '-')}`;
}

/** Renders a question with its fields. */
export function questionField(question: Question, filled: Filled): Html {
  switch (question.kind) {
    case 'text':
      return textField(question, filled);
    case 'birthday':
      return birthdayField(question, filled);
    case 'country':
      return countryField(question, filled);
    case 'choice':
      return choiceField(question, filled);
    case 'reference':
      return referenceField(question, filled);
    case 'percent':
      return percentField(question, filled);
  }
}

const checked = verbatim(' checked');
const selected = verbatim(' selected');

function attribute(name: string, value: string | undefined): Piece {
  return value === undefined || value === '' ? undefined : html` ${verbatim(name)}="${value}"`;
}

function describedBy({ hint, name }: Question, fault: string | undefined): Piece {
  const id = idOf(name);
  const ids = [
    ...(hint === undefined ? [] : [`${id}-hint`]),
    ...(fault === undefined ? [] : [`${id}-fault`]),
  ];
  return [
    attribute('aria-describedby', ids.join(' ')),
    fault === undefined ? undefined : attribute('aria-invalid', 'true'),
  ];
}

function hintOf({ hint, name }: Question): Piece {
  return hint === undefined ? undefined : html`<p class="hint" id="${idOf(name)}-hint">${hint}</p>`;
}

/** Renders the fault of a field, also for screen readers. */
export function faultOf(name: string, fault: string | undefined): Piece {
  return fault === undefined
    ? undefined
    : html`<p class="fault" id="${idOf(name)}-fault"><span class="hidden">Wrong: </span>${fault}</p>`;
}

function optionalMark({ optional }: Question): Piece {
  return optional ? html` <span class="optional">(optional)</span>` : undefined;
}

function fieldClass(fault: string | undefined): string {
  return fault === undefined ? 'field' : 'field faulty';
}

function textField(question: TextQuestion, filled: Filled): Html {
  const { autocomplete, label, maxLength, name } = question;
  const fault = filled.fault(name);
  return html`<div class="${fieldClass(fault)}">
<label for="${idOf(name)}">${label}${optionalMark(question)}</label>
${hintOf(question)}${faultOf(name, fault)}
<input type="text" id="${idOf(name)}" name="${name}" value="${filled.text(name)}" maxlength="${maxLength}" autocomplete="${
    autocomplete ?? 'off'
  }" spellcheck="false"${describedBy(question, fault)}>
</div>`;
}

function percentField(question: PercentQuestion, filled: Filled): Html {
  const { label, name } = question;
  const fault = filled.fault(name);
  return html`<div class="${fieldClass(fault)}">
<label for="${idOf(name)}">${label}, in percent</label>
${hintOf(question)}${faultOf(name, fault)}
<input type="text" class="short" inputmode="decimal" id="${idOf(name)}" name="${name}" value="${filled.text(
    name,
  )}" maxlength="10" autocomplete="off"${describedBy(question, fault)}>
</div>`;
}

function birthdayField(question: BirthdayQuestion, filled: Filled): Html {
  const { autocomplete, label, name } = question;
  const fault = filled.fault(name);
  const part = (title: string, part: string, length: number): Html => html`<div class="field ${part}">
<label for="${part === 'day' ? idOf(name) : idOf(`${name}.${part}`)}">${title}</label>
<input type="text" inputmode="numeric" id="${part === 'day' ? idOf(name) : idOf(`${name}.${part}`)}" name="${name}.${part}" value="${filled.text(
    `${name}.${part}`,
  )}" maxlength="${length}" autocomplete="${autocomplete ? `${autocomplete}-${part}` : 'off'}">
</div>`;
  return html`<fieldset class="${fault === undefined ? '' : 'faulty'}"${describedBy(question, undefined)}>
<legend>${label}</legend>
${hintOf(question)}${faultOf(name, fault)}
<div class="birthday">${part('Day', 'day', 2)}${part('Month', 'month', 2)}${part('Year', 'year', 4)}</div>
</fieldset>`;
}

function countryField(question: CountryQuestion, filled: Filled): Html {
  const { autocomplete, label, name } = question;
  const fault = filled.fault(name);
  const current = filled.text(name);
  const options = countries.map(
    ({ code, name: country }) =>
      html`<option value="${code}"${code === current ? selected : undefined}>${country}</option>`,
  );
  return html`<div class="${fieldClass(fault)}">
<label for="${idOf(name)}">${label}</label>
${hintOf(question)}${faultOf(name, fault)}
<select id="${idOf(name)}" name="${name}" autocomplete="${autocomplete ?? 'off'}"${describedBy(question, fault)}>
<option value="">Choose a country</option>
${options}
</select>
</div>`;
}

/** Renders radio buttons. @param firstId the id of the first one, the target of links to the question */
export function radioButtons(
  name: string,
  choices: readonly { readonly value: string; readonly label: string }[],
  current: string,
  firstId = idOf(name),
): Html {
  const radios = choices.map(
    ({ label, value }, index) =>
      html`<label class="choice"><input type="radio" id="${
        index === 0 ? firstId : `${firstId}-${index}`
      }" name="${name}" value="${value}"${value === current ? checked : undefined}><span>${label}</span></label>`,
  );
  return html`<div class="choices">${radios}</div>`;
}

function choiceField(question: ChoiceQuestion, filled: Filled): Html {
  const { choices, label, name } = question;
  const fault = filled.fault(name);
  return html`<fieldset class="${fault === undefined ? '' : 'faulty'}"${describedBy(question, undefined)}>
<legend>${label}</legend>
${hintOf(question)}${faultOf(name, fault)}
${radioButtons(name, choices, filled.text(name))}
</fieldset>`;
}

/** Renders a search of hundreds of entries by the server, which works without scripts. */
function referenceField(question: ReferenceQuestion, filled: Filled): Html {
  const { label, list, name } = question;
  const fault = filled.fault(name);
  const search = filled.text(`${name}.search`);
  const searchId = idOf(name);
  return html`<fieldset class="${fault === undefined ? '' : 'faulty'}"${describedBy(question, undefined)}>
<legend>${label}</legend>
${hintOf(question)}${faultOf(name, fault)}
<div class="search"><div class="field">
<label class="hidden" for="${searchId}">Search: ${label}</label>
<input type="text" id="${searchId}" name="${name}.search" value="${search}" maxlength="100" autocomplete="off" enterkeyhint="search">
</div><button class="plain" name="action" value="search">Search</button></div>
${results(name, list, search, filled.text(name))}
</fieldset>`;
}

function results(name: string, list: ReferenceQuestion['list'], search: string, current: string): Piece {
  const chosen = references(list, current);
  const kept = chosen === undefined ? [] : [{ value: current, label: chosen }];
  if (search.trim() === '')
    return kept.length === 0 ? undefined : radioButtons(name, kept, current, `${idOf(name)}-found`);
  const { entries, more } = searchList(list, search);
  const found = entries
    .filter(({ code }) => code !== current)
    .map(({ code, name: label }) => ({ value: code, label }));
  const said =
    found.length + kept.length === 0
      ? 'Nothing was found. Try another word, in English.'
      : more
        ? `The first ${entries.length} are shown. Add a word to find others.`
        : undefined;
  return [
    said === undefined ? undefined : html`<p class="hint" role="status">${said}</p>`,
    found.length + kept.length === 0
      ? undefined
      : radioButtons(name, [...kept, ...found], current, `${idOf(name)}-found`),
  ];
}
