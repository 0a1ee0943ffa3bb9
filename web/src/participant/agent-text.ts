/** Browsers by the mark they leave in the user agent, the more special first: Edge and Opera also say Chrome, all say Safari. */
const BROWSERS: readonly (readonly [name: string, mark: RegExp])[] = [
  ['Edge', /\bEdg\/(\d+)/],
  ['Opera', /\bOPR\/(\d+)/],
  ['Firefox', /\bFirefox\/(\d+)/],
  ['Chromium', /\b(?:Headless)?Chrome\/(\d+)/],
  ['Safari', /\bVersion\/(\d+)[^ ]* .*Safari\//],
];
const SYSTEMS: readonly (readonly [name: string, mark: RegExp])[] = [
  ['Android', /Android/],
  ['iOS', /iPhone|iPad/],
  ['Windows', /Windows/],
  ['macOS', /Mac OS X/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux/],
];

/** `Chromium 156, Linux`: all that operators see of this device. Nothing is decided by it. */
export function agentText(userAgent: string): string {
  const browser = BROWSERS.map(([name, mark]) => ({ name, version: mark.exec(userAgent)?.[1] })).find(({ version }) => version !== undefined);
  const system = SYSTEMS.find(([, mark]) => mark.test(userAgent))?.[0] ?? 'unknown system';
  return `${browser === undefined ? 'Browser' : `${browser.name} ${browser.version}`}, ${system}`;
}
