import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ACTION_NAMES, actionSpec, KINDS } from '../../src/config/fault-actions.ts';
import { faultProfile, PROFILE_NAMES } from '../../src/config/fault-profiles.ts';
import { LINES } from '../../src/lib/lines.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/faults.md'), 'utf8');

t.test('the page has every action, with where it can be done, what it takes and what it does', async (t) => {
  const shown = [...page.matchAll(/^\| `(\w+)` \(([^)]*)\) \| (.*?) \| (.*) \|$/gm)].map((row) => row.slice(1, 5));
  const wanted = ACTION_NAMES.map((name) => {
    const { seams, needs, may, text } = actionSpec(name);
    const takes = [...needs.map((key) => `\`${key}\``), ...may.map((key) => `\`${key}\`?`)].join(', ');
    return [name, seams.join(', '), takes, text];
  });
  t.strictSame(shown, wanted);
});

t.test('the page has every profile, with where its figures are from', async (t) => {
  const shown = [...page.matchAll(/^\| `([\w-]+)` \| (.*?) \| (.*) \|$/gm)].map((row) => row.slice(1, 4));
  for (const name of PROFILE_NAMES) {
    const { text, source } = faultProfile(name);
    t.strictSame(
      shown.find(([one]) => one === name),
      [name, text, source],
    );
  }
});

t.test('the page names every seam and every kind', async (t) => {
  for (const [seam, kinds] of Object.entries(KINDS)) {
    for (const word of [seam, ...kinds]) t.match(page, `\`${word}\``, word);
  }
});

t.test('the page about worlds has every link, with its figures and where they are from', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/explanation/virtual-time.md'), 'utf8');
  for (const [name, { down, up, roundTrip, jitter, loss, source }] of Object.entries(LINES)) {
    const rates = down === Infinity ? 'unlimited' : `${down}, ${up}`;
    const lost = loss === 0 ? '0' : `${Number((loss * 100).toFixed(3))} %`;
    const late = jitter === 0 ? '0' : `${jitter} ms`;
    const row = `| \`${name}\` | ${rates} | ${roundTrip} ms | ${late} | ${lost} | ${source} |`;
    t.ok(page.includes(row), row);
  }
});
