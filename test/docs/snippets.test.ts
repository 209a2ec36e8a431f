/**
 * What README.md, docs/ and examples/ show is checked by what it is shown for: programs by the compiler, configurations
 * by the loader, command lines by the program's own commands and options, links by the files.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { commandComplaints, ourCommands } from '../support/documents/command-lines.ts';
import { configurationComplaint } from '../support/documents/configurations.ts';
import { type Block, brokenLinks, pages, REPOSITORY } from '../support/documents/markdown.ts';
import { nameComplaint, unknownVariables } from '../support/documents/names.ts';
import { compileSnippets, PROGRAM_EXTENSIONS, type Snippet } from '../support/documents/programs.ts';

const all = pages();
const blocks = all.flatMap((page) => page.blocks);
const spans = all.flatMap((page) => page.spans);
const checked = (block: Block): boolean => !block.markers.includes('fragment');
/** What calls in prose take for granted, on one line so that complaints name the right one. */
const CONTEXT = `import { startSimulator } from 'tunnelite'; const sim = await startSimulator();
  const identity = sim.identity; const tenantId = '', issuer = '';`.replaceAll('\n', '');
const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');
const examples = (extension: string): string[] =>
  globSync(`examples/**/*.${extension}`, { cwd: REPOSITORY, exclude: ['**/node_modules/**'] }).toSorted();

t.test('each block says what it holds, so that none escapes the checks', async (t) => {
  t.same(
    all.flatMap((page) => page.complaints),
    [],
  );
  const languages = new Set([...Object.keys(PROGRAM_EXTENSIONS), 'sh', 'yaml', 'json', 'text', 'mermaid', '']);
  for (const { language, markers, place } of blocks) {
    t.ok(languages.has(language), `${place}: ${language}`);
    const isConfiguration = language === 'yaml' || language === 'json';
    t.ok(markers.length === 0 || markers[0] === 'fragment' || isConfiguration, `${place}: ${markers.join(' ')}`);
  }
});

t.test('the programs compile, and what they import is exported', async (t) => {
  const programs: Snippet[] = blocks.filter(
    (block) => Object.hasOwn(PROGRAM_EXTENSIONS, block.language) && checked(block),
  );
  t.ok(programs.length >= 8);
  const calls = spans.filter(({ text }) => /^(const .*|await )?\b(sim|identity)\.[\w.]+\(/.test(text));
  t.ok(calls.length >= 8);
  // Calls on one line, such as a table's row, belong together.
  const inContext = [...Map.groupBy(calls, ({ place }) => place)].map(([place, onLine]) => ({
    language: 'ts',
    text: `${CONTEXT} ${onLine.map(({ text }) => text).join('; ')};`,
    place,
  }));
  const files = examples('ts').map((path) => ({
    language: 'ts',
    text: read(path).replaceAll(/'(\.\.\/)+src\/index\.ts'/g, "'tunnelite'"),
    place: `${path}:1`,
  }));
  t.same(compileSnippets([...programs, ...inContext, ...files]), []);
});

t.test('the configurations are taken by the loader', async (t) => {
  const snippets = blocks.filter(({ language }) => language === 'yaml' || language === 'json').filter(checked);
  t.ok(snippets.length >= 10);
  for (const { text, markers, place } of snippets) t.equal(configurationComplaint(text, markers[0]), undefined, place);
  for (const path of [...examples('yaml'), ...examples('json')]) {
    const value = parse(read(path)) as Record<string, unknown>;
    // A workflow is for somebody else, and so is what Prometheus, Grafana and Artillery read; commands are checked below.
    if ('jobs' in value || 'apiVersion' in value || /compose|grafana|artillery/.test(path)) continue;
    const key = path.includes('scenarios') ? 'scenario' : path.includes('examples/load') ? 'load' : undefined;
    t.equal(configurationComplaint(read(path), key), undefined, path);
  }
});

t.test('the command lines are ones that the program understands', async (t) => {
  const shell = blocks.filter(({ language }) => language === 'sh');
  const jobs = examples('yaml').flatMap((path) => runSteps(parse(read(path))).map((text) => ({ text, place: path })));
  let ours = 0;
  for (const { text, place } of [...shell.filter(checked), ...jobs]) {
    ours += ourCommands(text);
    t.same(await commandComplaints(text, true), [], place);
  }
  t.ok(ours >= 15);
  for (const { text, place } of spans) {
    if (!/^(tunnelite|npx|npm|node|sudo node|docker compose|\.ci\/|node_modules\/)/.test(text)) continue;
    // In prose `<file>` is for the reader to fill in; for a shell it would be a redirection.
    t.same(await commandComplaints(text.replaceAll(/<[^>]+>/g, 'something'), false), [], place);
  }
});

t.test('settings, variables, events, error codes and files that the text names are there', async (t) => {
  for (const { text, place } of spans) t.equal(nameComplaint(text), undefined, `${place}: ${text}`);
  const others = ['docker-compose.yml', 'Dockerfile', ...examples('*')];
  for (const path of [...all.map((page) => page.path), ...others]) t.same(unknownVariables(read(path)), [], path);
});

t.test('links between the pages lead to files and headings that are there', async (t) => {
  t.same(
    all.flatMap((page) => brokenLinks(page, all)),
    [],
  );
});

/** The scripts of a GitHub workflow. */
function runSteps(workflow: unknown): string[] {
  const { jobs = {} } = workflow as { jobs?: Record<string, { steps?: { run?: string }[] }> };
  return Object.values(jobs).flatMap(({ steps = [] }) => steps.flatMap(({ run }) => run ?? []));
}
