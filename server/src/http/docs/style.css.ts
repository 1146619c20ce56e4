/** The page's only style sheet. It lies in the page itself, and the page's policy allows it by its hash. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1c2027; --muted: #565e6c; --line: #dfe3e8; --panel: #f5f6f8; --accent: #0a57a4;
  --mark: #fff6d6;
  --get: #0b4f99; --get-back: #e2eefb; --post: #10592b; --post-back: #dff3e5; --patch: #704500;
  --patch-back: #fcefd3; --delete: #981b1b; --delete-back: #fde5e5;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151a; --text: #e3e7ed; --muted: #a2abb8; --line: #2c333d; --panel: #1a1f26; --accent: #83bcff;
    --mark: #37310f;
    --get: #a3ceff; --get-back: #17304e; --post: #93e2ab; --post-back: #14361f; --patch: #f2cf88;
    --patch-back: #3b2d0d; --delete: #ffb3b3; --delete-back: #481b1b;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.6 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
  overflow-wrap: break-word;
}
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; z-index: 3; padding: .5rem 1rem; background: var(--page); }
small, .muted, .limits { color: var(--muted); font-size: .875rem; }

.bar {
  position: sticky; top: 0; z-index: 2; display: flex; align-items: center; gap: 1rem; height: 3.5rem;
  padding: 0 1rem; background: var(--page); border-bottom: 1px solid var(--line);
}
.bar a { color: inherit; text-decoration: none; font-weight: 650; }
.bar .open {
  margin-left: auto; padding: .25rem .9rem; border: 1px solid var(--line); border-radius: .5rem;
  font-weight: 500;
}

.menu { display: none; padding: 1rem 1rem 3rem; background: var(--page); font-size: .9375rem; }
.menu:target { display: block; position: fixed; inset: 3.5rem 0 0; z-index: 1; overflow-y: auto; }
.menu ul { list-style: none; margin: 0; padding: 0; }
.menu .group { margin-top: 1.25rem; }
.menu .group > a { color: var(--text); font-weight: 650; }
.menu a {
  display: block; padding: .25rem .5rem; color: var(--muted); text-decoration: none; border-radius: .35rem;
}
.menu a:hover { color: var(--text); background: var(--panel); }
.menu .close { margin-bottom: .5rem; color: var(--accent); }

main { padding: 0 1rem 4rem; min-width: 0; }
section { padding-top: 1rem; border-top: 1px solid var(--line); margin-top: 3rem; }
section:first-of-type { border-top: 0; margin-top: 0; }
h1, h2, h3, h4, h5 { line-height: 1.25; font-weight: 650; margin: 1.75rem 0 .6rem; text-wrap: balance; }
h1 { font-size: 2rem; margin-top: 1.5rem; }
h2 { font-size: 1.6rem; }
h3, #overview h2 { font-size: 1.2rem; }
h4 { font-size: 1rem; }
h5 { font-size: .9375rem; }
p { margin: .6rem 0; }
.lead { color: var(--muted); }
.prose { max-width: 48rem; }

code { font-family: var(--mono); font-size: .875em; overflow-wrap: anywhere; }
p code, li code, dd code, td code { padding: .1em .3em; border-radius: .25rem; background: var(--panel); }
pre code { padding: 0; background: none; }
figure {
  margin: 1rem 0; border: 1px solid var(--line); border-radius: .5rem; overflow: hidden;
  background: var(--panel);
}
figcaption {
  padding: .35rem .9rem; border-bottom: 1px solid var(--line); color: var(--muted); font-size: .8125rem;
}
pre {
  margin: 0; padding: .8rem .9rem; font-size: .9rem; line-height: 1.5; white-space: pre-wrap; tab-size: 2;
}

article { padding: .5rem 0 1.5rem; }
article + article { border-top: 1px solid var(--line); }
.path { display: flex; align-items: baseline; gap: .6rem; }
.path code { padding: 0; background: none; }
.method {
  padding: .1rem .5rem; border-radius: .3rem; font: 650 .75rem/1.5 var(--mono); color: var(--text);
  background: var(--panel);
}
.get { color: var(--get); background: var(--get-back); }
.post { color: var(--post); background: var(--post-back); }
.patch { color: var(--patch); background: var(--patch-back); }
.delete { color: var(--delete); background: var(--delete-back); }

.fields { margin: 0; }
.fields div { padding: .55rem 0; border-top: 1px solid var(--line); }
.fields .d1 { margin-left: 1rem; }
.fields .d2 { margin-left: 2rem; }
.fields .d3, .fields .d4, .fields .d5 { margin-left: 3rem; }
dt code { font-weight: 650; }
dt code span { font-weight: 400; color: var(--muted); }
dt, .type { display: inline; }
.type { margin-left: .35rem; color: var(--muted); font-size: .875rem; }
.type b { font-size: .8125rem; font-weight: 600; }
.required { color: var(--delete); }
.type .optional { font-weight: 400; }
dd:not(.type) { margin: .1rem 0 0; font-size: .9375rem; }
.statuses { margin: 0; padding: 0; list-style: none; font-size: .9375rem; }
.statuses li { padding: .15rem 0; }

table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
th, td {
  padding: .55rem .75rem .55rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top;
}
thead th { border-top: 0; color: var(--muted); font-weight: 500; font-size: .875rem; }
tbody th { font-weight: 600; }
th small { display: block; font-weight: 400; overflow-wrap: anywhere; }
.todo { display: block; color: var(--muted); }
.narrow { width: auto; }
.narrow th, .narrow td { padding-right: 2.5rem; }
:target > th, :target > td { background: var(--mark); }
.steps { padding-left: 1.4rem; }
.steps > li::marker { color: var(--muted); }
.steps h3 { margin: 1.5rem 0 .25rem; font-size: 1.05rem; }

@media (min-width: 24rem) {
  tbody th code { white-space: nowrap; }
}
@media (min-width: 56rem) {
  html { scroll-padding-top: 1.5rem; }
  .bar { display: none; }
  .frame { display: grid; grid-template-columns: 16rem minmax(0, 1fr); }
  .menu, .menu:target {
    display: block; position: sticky; inset: 0 auto auto; height: 100vh; overflow-y: auto;
    padding: 1.5rem 1rem 3rem; border-right: 1px solid var(--line); scrollbar-width: thin;
  }
  .menu .close { display: none; }
  main { padding: 1rem 2.5rem 6rem; }
}
@media (min-width: 76rem) {
  .operation, .event {
    display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 2.5rem; max-width: 84rem;
  }
  :is(.operation, .event) > .code { padding-top: 1.25rem; }
  section > article:not(.operation, .event) { max-width: 48rem; }
}
@media print {
  .bar, .menu { display: none; }
  .frame { display: block; }
}
`;
