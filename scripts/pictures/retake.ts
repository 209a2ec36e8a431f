// Takes the screenshots in docs/images again, by the tests that pass through what they show. Look at them before you commit them.
// With the name of a folder that has pictures of these tests (SCREENSHOT_FOLDER), it takes them from there.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { palettePng } from './palette-png.ts';

const repository = join(import.meta.dirname, '../..');
const images = join(repository, 'docs/images');
const TESTS = ['dashboard', 'dashboard-pages', 'dashboard-policies', 'report-chromium', 'entra-msal-browser'];

const given = process.argv[2];
const folder = given ?? mkdtempSync(join(tmpdir(), 'tunnelite-pictures-'));
for (const test of given === undefined ? TESTS : []) {
  const { status } = spawnSync(process.execPath, [`test/interop/${test}.test.ts`], {
    cwd: repository,
    env: { ...process.env, SCREENSHOT_FOLDER: folder, TUNNELITE_INTEROP: 'required' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`test/interop/${test}.test.ts failed`);
}
for (const name of readdirSync(images).filter((one) => one.endsWith('.png'))) {
  const taken = join(folder, name);
  if (!existsSync(taken)) throw new Error(`No test takes ${name}`);
  writeFileSync(join(images, name), palettePng(readFileSync(taken)));
  console.log(`docs/images/${name}`);
}
if (given === undefined) rmSync(folder, { recursive: true });
