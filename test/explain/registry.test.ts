import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { root } from '../../src/cli/root.ts';
import { CONFIG_KEYS } from '../../src/config/index.ts';
import { AREAS, CAUSE_IDS, CAUSES } from '../../src/explain/index.ts';
import { EVENTS } from '../../src/telemetry/index.ts';
import { REPOSITORY } from '../support/documents/markdown.ts';

// Nobody is told what was never tried out: each cause has a test that provokes it, and what its words name is there.

/** The ids that tests provoke, each with the files that do. */
function provoked(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of globSync('test/{interop,e2e,explain}/explain*.test.ts', { cwd: REPOSITORY })) {
    const text = readFileSync(join(REPOSITORY, file), 'utf8');
    for (const [, id] of text.matchAll(/provokes\w*\(\s*'([a-z0-9-]+)'/g))
      found.set(id!, [...(found.get(id!) ?? []), file]);
  }
  return found;
}

t.test('each cause is provoked by a test', async (t) => {
  const found = provoked();
  t.strictSame(
    CAUSE_IDS.filter((id) => !found.has(id)),
    [],
    'provoke it in test/interop/explain-*.test.ts',
  );
  t.strictSame(
    [...found.keys()].filter((id) => !CAUSE_IDS.includes(id)),
    [],
    'there is no such cause',
  );
});

t.test('there are more than 40, most of them provoked by clients in use', async (t) => {
  const real = [...provoked()].filter(([, files]) =>
    files.some((file) => file.replaceAll('\\', '/').startsWith('test/interop/')),
  );
  t.ok(CAUSE_IDS.length > 40, `${CAUSE_IDS.length} causes`);
  t.ok(real.length > 40, `${real.length} by real clients`);
});

t.test('causes of one id are one: area, weight and title are the same', async (t) => {
  for (const id of CAUSE_IDS) {
    const same = CAUSES.filter((one) => one.id === id);
    t.equal(new Set(same.map(({ area, weight, title }) => `${area} ${weight} ${title}`)).size, 1, id);
    t.ok(
      same.every(({ area }) => area in AREAS),
      id,
    );
  }
});

t.test('pages, commands and settings that the words name are there', async (t) => {
  const sources = globSync('src/explain/causes/*.ts', { cwd: REPOSITORY }).map((file) =>
    readFileSync(join(REPOSITORY, file), 'utf8'),
  );
  const words = sources.join('\n');
  for (const page of new Set(CAUSES.flatMap(({ docs }) => docs))) t.ok(existsSync(join(REPOSITORY, page)), page);
  for (const [, page] of words.matchAll(/\b((?:docs|certs)\/[\w-]+\.md)/g))
    t.ok(existsSync(join(REPOSITORY, page!)), `${page}`);
  for (const [, name, sub] of words.matchAll(/`tunnelite ([a-z-]+)(?: ([a-z]+)(?![a-z.]))?/g)) {
    const command = root.subCommands?.[name!];
    if (!command) t.fail(`There is no tunnelite ${name}`);
    const { subCommands } = (await command?.load()) ?? {};
    if (sub !== undefined && subCommands && !(sub in subCommands)) t.fail(`tunnelite ${name} ${sub}`);
  }
  const keys = new Set(CONFIG_KEYS.map(({ name }) => name));
  for (const [, name] of words.matchAll(
    /\b((?:gateway|identity|services|resources|journal)\.[a-z][a-zA-Z0-9]*(?:\.[a-zA-Z0-9]+)*)/g,
  )) {
    if (/\.(md|ts)$/.test(name!) || Object.keys(EVENTS).some((event) => event.startsWith(name!))) continue;
    if (![...keys].some((key) => key === name || key.startsWith(`${name}.`))) t.fail(`${name} is no setting`);
  }
});
