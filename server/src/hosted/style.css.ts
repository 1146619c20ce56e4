/** The only style sheet of the hosted pages. It lies in each page, and the page's policy allows it by its hash. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f3f5f8; --card: #ffffff; --text: #17202b; --muted: #55606e; --line: #d5dbe3; --field: #79838f;
  --accent: #14509e; --accent-strong: #0e3f80; --on-accent: #ffffff; --soft: #e9f0fa;
  --bad: #a11616; --bad-soft: #fdecec; --good: #0d5c31; --good-soft: #e2f4e9; --note: #694500; --note-soft: #fdf2d8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141a; --card: #191f28; --text: #e7ebf1; --muted: #a6b0bd; --line: #313a46; --field: #8691a0;
    --accent: #8dbcff; --accent-strong: #b3d3ff; --on-accent: #0b1a2e; --soft: #1c2b41;
    --bad: #ffadad; --bad-soft: #3d1b1d; --good: #8fe0ae; --good-soft: #12301f; --note: #f3cf86; --note-soft: #362a10;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; background: var(--page); color: var(--text); overflow-wrap: break-word;
  font: 1.0625rem/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
a { color: var(--accent); text-underline-offset: .15em; }
a:hover { color: var(--accent-strong); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: .25rem; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; z-index: 1; padding: .5rem 1rem; background: var(--card); }
.hidden {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}

.sandbox {
  margin: 0; padding: .5rem 1rem; background: var(--note-soft); color: var(--note); font-size: .9375rem;
  text-align: center;
}
.frame { max-width: 36rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
.top { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; min-height: 1.75rem; }
.top p { margin: 0; color: var(--muted); font-size: .9375rem; }
.steps { display: flex; gap: .3rem; margin: .6rem 0 1.1rem; padding: 0; list-style: none; }
.steps li { flex: 1; height: .3rem; border-radius: .2rem; background: var(--line); }
.steps .done { background: var(--accent); }

main {
  padding: 1.5rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .9rem;
}
main:focus { outline: none; }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; line-height: 1.2; letter-spacing: -.01em; text-wrap: balance; }
h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; line-height: 1.3; }
p { margin: .6rem 0; }
.lead { margin: 0 0 1.25rem; color: var(--muted); }
.small { color: var(--muted); font-size: .9375rem; }
.foot { margin: 1.25rem .25rem 0; color: var(--muted); font-size: .875rem; }

form { margin: 0; }
.field, fieldset { margin: 0 0 1.35rem; padding: 0; border: 0; min-width: 0; }
label, legend { display: block; padding: 0; font-weight: 600; }
.optional { color: var(--muted); font-weight: 400; }
.hint { margin: .1rem 0 0; color: var(--muted); font-size: .9375rem; font-weight: 400; }
.fault { margin: .3rem 0 0; color: var(--bad); font-weight: 600; }
.faulty { padding-left: .9rem; border-left: .25rem solid var(--bad); }
input, select, textarea, button { font: inherit; color: inherit; }
input[type=text], select {
  display: block; width: 100%; min-height: 3rem; margin-top: .4rem; padding: .55rem .75rem;
  background: var(--card); border: 1px solid var(--field); border-radius: .55rem;
}
input[type=text]:focus-visible, select:focus-visible { outline-offset: 0; border-color: transparent; }
.faulty input[type=text], .faulty select { border-color: var(--bad); }
.birthday { display: flex; gap: .75rem; margin-top: .4rem; }
.birthday label { font-weight: 400; font-size: .9375rem; }
.birthday .field { margin: 0; width: 4.5rem; }
.birthday .year { width: 6.5rem; }
.birthday input { margin-top: .15rem; text-align: center; }
.short { max-width: 9rem; }
.percent { display: flex; align-items: center; gap: .6rem; }
.search { display: flex; gap: .6rem; align-items: end; margin: .4rem 0 .75rem; }
.search .field { flex: 1; margin: 0; }
.choices { display: grid; gap: .5rem; margin-top: .5rem; }
.choice {
  display: flex; gap: .75rem; align-items: center; min-height: 3rem; padding: .5rem .8rem; font-weight: 400;
  border: 1px solid var(--line); border-radius: .55rem; cursor: pointer;
}
.choice:hover { border-color: var(--field); }
.choice:has(:checked) { border-color: var(--accent); background: var(--soft); }
.choice:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 1px; }
.choice input { flex: none; width: 1.25rem; height: 1.25rem; margin: 0; accent-color: var(--accent); outline: none; }
input[type=file] {
  display: block; width: 100%; margin-top: .4rem; padding: .9rem; border: 1px dashed var(--field);
  border-radius: .55rem; background: var(--page);
}
input[type=file]::file-selector-button {
  font: inherit; margin-right: .75rem; padding: .35rem .9rem; border: 1px solid var(--field); border-radius: .45rem;
  background: var(--card); color: var(--text); cursor: pointer;
}

button, .button {
  display: inline-flex; align-items: center; justify-content: center; min-height: 3rem; padding: .6rem 1.4rem;
  border: 1px solid var(--accent); border-radius: .55rem; background: var(--accent); color: var(--on-accent);
  font-weight: 600; text-decoration: none; cursor: pointer;
}
button:hover, .button:hover { background: var(--accent-strong); border-color: var(--accent-strong); color: var(--on-accent); }
.plain, .plain:hover { background: none; color: var(--accent); border-color: var(--field); }
.plain:hover { border-color: var(--accent); }
.link, .link:hover {
  min-height: 2.75rem; padding: .25rem .5rem; border: 0; background: none; color: var(--accent); font-weight: 400;
  text-decoration: underline; text-underline-offset: .15em;
}
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.75rem; }
.actions button, .actions .button { flex: 1 1 auto; }

.faults, .notice { margin: 0 0 1.5rem; padding: 1rem 1.1rem; border-radius: .65rem; }
.faults { background: var(--bad-soft); border: 2px solid var(--bad); }
.faults h2, .notice h2 { margin: 0 0 .35rem; font-size: 1.05rem; }
.faults ul { margin: 0; padding-left: 1.15rem; }
.faults a { color: var(--bad); font-weight: 600; }
.notice { background: var(--soft); }
.actions + .notice, p + .notice, ul + .notice { margin-top: 1.5rem; }
.notice:last-child { margin-bottom: 0; }
h2 + .field { margin-top: 1rem; }
.notice p:last-child { margin-bottom: 0; }
.notice p:first-child { margin-top: 0; }
.note { background: var(--note-soft); color: var(--note); }
.state { display: flex; gap: .9rem; align-items: center; margin-bottom: .75rem; }
.state svg { flex: none; width: 2.75rem; height: 2.75rem; padding: .6rem; border-radius: 50%; }
.state h1 { margin: 0; }
.state .good { background: var(--good-soft); color: var(--good); }
.state .wait { background: var(--note-soft); color: var(--note); }
.state .bad { background: var(--bad-soft); color: var(--bad); }

.items { margin: 0 0 1.5rem; padding: 0; list-style: none; border-top: 1px solid var(--line); }
.items li {
  display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .55rem 0;
  border-bottom: 1px solid var(--line);
}
.items strong { display: block; font-weight: 600; }
.summary { margin: 0 0 1rem; }
.summary-head { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; }
.summary dl { margin: 0; border-top: 1px solid var(--line); }
.summary dl > div { padding: .5rem 0; border-bottom: 1px solid var(--line); }
.summary dt { color: var(--muted); font-size: .9375rem; }
.summary dd { margin: 0; }
.terms { margin-bottom: 1.5rem; }
.terms li { margin: .25rem 0; }

@media (min-width: 34rem) {
  .frame { padding-top: 2.25rem; }
  main { padding: 2.25rem 2.5rem; }
  h1 { font-size: 1.9rem; }
  .summary dl > div { display: grid; grid-template-columns: 12rem 1fr; gap: 1rem; }
  .actions button, .actions .button { flex: 0 0 auto; }
}
@media (forced-colors: active) { .steps .done { background: Highlight; } }
`;
