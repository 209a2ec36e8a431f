import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { type Command, checkOptions } from '../../src/cli/context/command.ts';
import { root } from '../../src/cli/root.ts';
import type { Simulator } from '../../src/index.ts';
import { Chromium } from './chromium.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Views of the dashboard that are reached from its navigation. */
export const VIEWS = [
  'sessions',
  'traffic',
  'requests',
  'journal',
  'faults',
  'directory',
  'policies',
  'tokens',
  'setup',
] as const;

/** How Chromium gives up what is on its way when another program's tunnel, such as that of another test, comes up or goes down. */
const NETWORK_CHANGED = 'net::ERR_NETWORK_CHANGED';

/** A name, an agent or a path of somebody who wants the page to run it. */
export const EVIL = `<img src=x onerror="window.struck=1"><script>window.struck=1</script>"'\`\${window.struck=1}\u202egpj.exe{{7*7}}`;
/** How the page has to show the mark that turns the direction of text. */
export const SPELLED = '\\u202egpj.exe';

/** An empty page of a wide browser, which ends with the test. */
export async function browserPage(t: Test, options?: Parameters<typeof Chromium.start>[0]): Promise<Page> {
  const chromium = await Chromium.start(options);
  t.teardown(() => chromium[Symbol.asyncDispose]());
  const visitor = await chromium.visit({ viewport: { width: 1360, height: 820 } });
  const page = await visitor.context.newPage();
  page.setDefaultTimeout(60_000);
  return page;
}

/** What the page complains of: errors, and what its policy has stopped. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.text().includes(NETWORK_CHANGED)) return;
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  return complaints;
}

/** Opens the dashboard by a link, as a person does, and waits until it is connected. */
export async function openDashboard(page: Page, sim: Simulator): Promise<void> {
  await visit(page, sim.admin.dashboardLink());
  await page.getByText('live', { exact: true }).waitFor();
}

/** Goes to an address, as often as the network changes meanwhile. */
export async function visit(page: Page, url: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await page.goto(url);
      return;
    } catch (error) {
      if (tries >= 10 || !String(error).includes(NETWORK_CHANGED)) throw error;
    }
  }
}

export async function goTo(page: Page, view: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${view}`)}`);
  await page.locator(`main.view-${view.split('/')[0]} h1`).waitFor();
}

/** Resolves when an expression is true in the page: what Playwright has for this is code out of a text, which the page's policy refuses. */
export async function until(page: Page, expression: string): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    const look = () => ((${expression}) ? resolve() : requestAnimationFrame(look));
    look();
  })`);
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

/** Holds the page against the rules of WCAG 2.2, level AA, and the best practices of axe. */
export async function assertAccessible(t: Test, page: Page, what: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(AXE);
    const { violations } = await page.evaluate<AxeResult>('axe.run(document, { resultTypes: ["violations"] })');
    t.strictSame(
      violations.map(
        ({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html.slice(0, 200)} ${nodes[0]?.failureSummary}`,
      ),
      [],
      `${what}, ${colorScheme}`,
    );
  }
}

/** Throws when the command line does not have this command, or not with these options. */
export async function assertCommand(words: readonly string[]): Promise<void> {
  let command: Command = root;
  let at = 0;
  for (; at < words.length; at++) {
    const next = command.subCommands?.[words[at]!];
    if (!next) break;
    command = await next.load();
  }
  if (at === 0) throw new Error(`There is no command ${words.join(' ')}`);
  checkOptions(words.slice(at), command.args ?? {});
}

/** The words of a command as the page shows it. */
export function wordsOf(command: string): string[] {
  const words = command.match(/'[^']*'|[^\s']+/g) ?? [];
  return words.slice(1).map((word) => word.replaceAll("'", ''));
}

/** Nothing of a hostile text has become part of the page but as text. */
export async function assertUnharmed(t: Test, page: Page, where: string): Promise<void> {
  const found = await page.evaluate<object>(`({
    struck: window.struck ?? null,
    scripts: document.querySelectorAll('script').length,
    images: [...document.images].filter(({ src }) => !src.endsWith('/dashboard/icon.svg')).length,
    handlers: [...document.querySelectorAll('*')].filter((one) => [...one.attributes].some(({ name }) => name.startsWith('on'))).length,
    links: [...document.querySelectorAll('a[href]')].map(({ href }) => href).filter((href) => !href.startsWith(location.origin)),
    turned: /[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText),
  })`);
  t.strictSame(found, { struck: null, scripts: 2, images: 0, handlers: 0, links: [], turned: false }, where);
}
