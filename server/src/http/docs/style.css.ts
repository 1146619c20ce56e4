/** The only style sheet of our pages. Each page contains it, and its policy permits it by its hash. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1c2027; --muted: #565e6c; --line: #dfe3e8; --panel: #f5f6f8; --accent: #0a57a4;
  --mark: #fff6d6;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151a; --text: #e3e7ed; --muted: #a2abb8; --line: #2c333d; --panel: #1a1f26; --accent: #83bcff;
    --mark: #37310f;
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
small { color: var(--muted); font-size: .875rem; }

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
.menu .group { margin-top: 1.25rem; padding-left: .5rem; font-weight: 650; }
.menu .group > ul { margin: .25rem 0 0 -.5rem; font-weight: 400; }
.menu .home a { color: var(--text); font-weight: 650; }
.menu ul ul ul { margin: 0 0 .5rem .75rem; border-left: 1px solid var(--line); font-size: .875rem; }
.menu a {
  display: block; padding: .25rem .5rem; color: var(--muted); text-decoration: none; border-radius: .35rem;
}
.menu a:hover, .menu [aria-current] { color: var(--text); background: var(--panel); }
.menu .close { margin-bottom: .5rem; color: var(--accent); }

main { padding: 0 1rem 4rem; min-width: 0; }
section { padding-top: 1rem; border-top: 1px solid var(--line); margin-top: 3rem; }
section:first-of-type { border-top: 0; margin-top: 0; }
h1, h2, h3 { line-height: 1.25; font-weight: 650; margin: 1.75rem 0 .6rem; text-wrap: balance; }
h1 { font-size: 2rem; margin-top: 1.5rem; }
h2 { font-size: 1.6rem; }
h3, #reference h2 ~ h2 { font-size: 1.2rem; }
p { margin: .6rem 0; }
.prose { max-width: 48rem; }

code { font-family: var(--mono); font-size: .875em; overflow-wrap: anywhere; }
p code, li code, td code { padding: .1em .3em; border-radius: .25rem; background: var(--panel); }
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

.cards {
  display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); max-width: 72rem;
  margin: 1rem 0; padding: 0; list-style: none;
}
.cards li { padding: .9rem 1rem; border: 1px solid var(--line); border-radius: .5rem; }
.cards a { font-weight: 650; }
.cards p { margin: .25rem 0 0; color: var(--muted); font-size: .9375rem; }
.guide > :not(.table) { max-width: 48rem; }
.guide h2 { margin-top: 2.5rem; font-size: 1.35rem; }
.source { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem; }

.table { overflow-x: auto; margin: 1rem 0; }
.table td:not(:last-child) code { white-space: nowrap; }
.table td:last-child { min-width: 14rem; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
th, td {
  padding: .55rem .75rem .55rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top;
}
thead th { border-top: 0; color: var(--muted); font-weight: 500; font-size: .875rem; }
tbody th { font-weight: 600; }
th small { display: block; font-weight: 400; overflow-wrap: anywhere; }
.remedy { display: block; color: var(--muted); }
:target > th, :target > td { background: var(--mark); }
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
@media print {
  .bar, .menu { display: none; }
  .frame { display: block; }
}
`;
