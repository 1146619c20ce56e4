/** The questions of an identity form, by step. Pages are rendered and answers are checked by this list. */

interface QuestionBase {
  readonly name: string;
  readonly label: string;
  /** The message for a missing answer. */
  readonly ask: string;
  readonly hint?: string;
  readonly optional?: boolean;
}

/** A line of text. */
export interface TextQuestion extends QuestionBase {
  readonly kind: 'text';
  readonly maxLength: number;
  /** The autofill field name (HTML, "Autofill"). */
  readonly autocomplete?: string;
  readonly pattern?: { readonly of: RegExp; readonly message: string };
}

/** A day of birth, kept as `YYYY-MM-DD`. */
export interface BirthdayQuestion extends QuestionBase {
  readonly kind: 'birthday';
  readonly autocomplete?: 'bday';
}

/** A country, kept as its ISO 3166-1 alpha-2 code. */
export interface CountryQuestion extends QuestionBase {
  readonly kind: 'country';
  readonly autocomplete?: string;
}

/** One of a list of choices. */
export interface ChoiceQuestion extends QuestionBase {
  readonly kind: 'choice';
  readonly choices: readonly { readonly value: string; readonly label: string }[];
}

export type ReferenceList = 'occupations' | 'industries';

/** An entry of a reference list, kept as its code. */
export interface ReferenceQuestion extends QuestionBase {
  readonly kind: 'reference';
  readonly list: ReferenceList;
}

/** A share, kept as a decimal text without `%`. */
export interface PercentQuestion extends QuestionBase {
  readonly kind: 'percent';
}

export type Question =
  | TextQuestion
  | BirthdayQuestion
  | CountryQuestion
  | ChoiceQuestion
  | ReferenceQuestion
  | PercentQuestion;

/** A page of the form that asks questions. */
export interface QuestionStep {
  readonly name: string;
  readonly title: string;
  readonly lead?: string;
  readonly questions: readonly Question[];
}

const nameLength = 200;
const lineLength = 200;

const taxIdPattern = {
  of: /^[0-9A-Za-z][0-9A-Za-z ./-]{2,29}$/,
  message: 'Enter a tax number of 3 to 30 letters and digits.',
};

const you: QuestionStep = {
  name: 'you',
  title: 'About you',
  lead: 'Give your name as it stands in your passport or identity card.',
  questions: [
    {
      kind: 'text',
      name: 'firstName',
      label: 'First and middle names',
      ask: 'Enter your first name.',
      maxLength: nameLength,
      autocomplete: 'given-name',
    },
    {
      kind: 'text',
      name: 'lastName',
      label: 'Last name',
      ask: 'Enter your last name.',
      maxLength: nameLength,
      autocomplete: 'family-name',
    },
    {
      kind: 'birthday',
      name: 'dateOfBirth',
      label: 'Date of birth',
      hint: 'For example, 10 12 1985',
      ask: 'Enter your date of birth.',
      autocomplete: 'bday',
    },
    {
      kind: 'country',
      name: 'nationality',
      label: 'Nationality',
      hint: 'If you have several, choose the one of the document that you will send.',
      ask: 'Choose your nationality.',
    },
  ],
};

/** Makes the step that asks for an address. */
function addressStep(title: string, lead: string): QuestionStep {
  return {
    name: 'address',
    title,
    lead,
    questions: [
      {
        kind: 'text',
        name: 'addressLine1',
        label: 'Street and number',
        ask: 'Enter the street and number.',
        maxLength: lineLength,
        autocomplete: 'address-line1',
      },
      {
        kind: 'text',
        name: 'addressLine2',
        label: 'Flat, floor or building',
        ask: '',
        optional: true,
        maxLength: lineLength,
        autocomplete: 'address-line2',
      },
      {
        kind: 'text',
        name: 'city',
        label: 'Town or city',
        ask: 'Enter the town or city.',
        maxLength: lineLength,
        autocomplete: 'address-level2',
      },
      {
        kind: 'text',
        name: 'region',
        label: 'State, province or county',
        ask: '',
        optional: true,
        maxLength: lineLength,
        autocomplete: 'address-level1',
      },
      {
        kind: 'text',
        name: 'postalCode',
        label: 'Postal code',
        hint: 'Leave it empty if your country has none.',
        ask: '',
        optional: true,
        maxLength: 20,
        autocomplete: 'postal-code',
      },
      {
        kind: 'country',
        name: 'country',
        label: 'Country',
        ask: 'Choose the country.',
        autocomplete: 'country',
      },
    ],
  };
}

const work: QuestionStep = {
  name: 'work',
  title: 'Your work and your money',
  lead: 'We are required to ask what you do and where your money comes from.',
  questions: [
    {
      kind: 'text',
      name: 'taxId',
      label: 'Tax number',
      hint: 'The number that the tax office knows you by: SSN, UTR, Steuer-ID, RFC, CPF …',
      ask: 'Enter your tax number.',
      maxLength: 30,
      pattern: taxIdPattern,
    },
    {
      kind: 'reference',
      list: 'occupations',
      name: 'occupation',
      label: 'Your occupation',
      hint: 'Search for a word, such as “nurse” or “teacher”, and choose what comes closest.',
      ask: 'Search for your occupation and choose one.',
    },
    {
      kind: 'choice',
      name: 'sourceOfFunds',
      label: 'Where does the money come from?',
      hint: 'Choose the main source.',
      ask: 'Choose where the money comes from.',
      choices: [
        { value: 'employment', label: 'Salary or wages' },
        { value: 'self_employment', label: 'Self-employment or my own business' },
        { value: 'savings', label: 'Savings' },
        { value: 'investments', label: 'Investments or the sale of property' },
        { value: 'pension', label: 'Pension or benefits' },
        { value: 'gift', label: 'Inheritance or gift' },
        { value: 'other', label: 'Something else' },
      ],
    },
  ],
};

const business: QuestionStep = {
  name: 'business',
  title: 'About the business',
  lead: 'Give everything as it stands in the company register.',
  questions: [
    {
      kind: 'text',
      name: 'legalName',
      label: 'Legal name',
      ask: 'Enter the legal name of the business.',
      maxLength: nameLength,
      autocomplete: 'organization',
    },
    {
      kind: 'text',
      name: 'registrationNumber',
      label: 'Registration number',
      hint: 'The number in the company register, such as 12345678 or HRB 4711.',
      ask: 'Enter the registration number.',
      maxLength: 50,
    },
    {
      kind: 'country',
      name: 'registrationCountry',
      label: 'Country of registration',
      ask: 'Choose the country of registration.',
    },
  ],
};

const activity: QuestionStep = {
  name: 'activity',
  title: 'What the business does',
  questions: [
    {
      kind: 'text',
      name: 'taxId',
      label: 'Tax number',
      hint: 'The number that the tax office knows the business by: EIN, UTR, USt-ID, RFC, CNPJ …',
      ask: 'Enter the tax number of the business.',
      maxLength: 30,
      pattern: taxIdPattern,
    },
    {
      kind: 'reference',
      list: 'industries',
      name: 'industry',
      label: 'Industry',
      hint: 'Search for a word, such as “bakery” or “software”, and choose what comes closest.',
      ask: 'Search for the industry and choose one.',
    },
    {
      kind: 'choice',
      name: 'sourceOfFunds',
      label: 'Where does the money come from?',
      hint: 'Choose the main source.',
      ask: 'Choose where the money comes from.',
      choices: [
        { value: 'sales', label: 'Sales of goods or services' },
        { value: 'investors', label: 'Investors or owners' },
        { value: 'loans', label: 'Loans' },
        { value: 'investments', label: 'Returns on investments' },
        { value: 'donations', label: 'Grants or donations' },
        { value: 'other', label: 'Something else' },
      ],
    },
  ],
};

/** The questions for each owner of a business. */
export const ownerQuestions: readonly Question[] = [
  {
    kind: 'text',
    name: 'firstName',
    label: 'First and middle names',
    ask: 'Enter their first name.',
    maxLength: nameLength,
  },
  {
    kind: 'text',
    name: 'lastName',
    label: 'Last name',
    ask: 'Enter their last name.',
    maxLength: nameLength,
  },
  {
    kind: 'birthday',
    name: 'dateOfBirth',
    label: 'Date of birth',
    hint: 'For example, 10 12 1985',
    ask: 'Enter their date of birth.',
  },
  {
    kind: 'country',
    name: 'country',
    label: 'Country where they live',
    ask: 'Choose the country where they live.',
  },
  {
    kind: 'percent',
    name: 'share',
    label: 'Share of the business',
    ask: 'Enter their share of the business.',
  },
];

/** The steps that ask questions, in order. The steps owners, documents and review follow them. */
export function questionSteps(type: 'individual' | 'business'): readonly QuestionStep[] {
  return type === 'individual'
    ? [you, addressStep('Your home address', 'Where you live, not a PO box.'), work]
    : [business, addressStep('Registered address', 'The address in the company register.'), activity];
}
