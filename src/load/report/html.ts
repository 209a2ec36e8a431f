import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Html, html } from '../../lib/html.ts';
import { TIME_NAMES, TIMES } from '../plan/metrics.ts';
import { ownCount } from '../plan/worker.ts';
import { timeText } from '../result/judge.ts';
import { arrivalsText } from '../result/text.ts';
import type { LoadMeta, LoadResult, Machine, Measures, PhaseResult } from '../result/types.ts';
import { type Plot, percentilePlots, timePlots } from './plots.ts';

/* The page loads nothing: it contains style, script and data, and its policy blocks all others. */

const PAGE = join(import.meta.dirname, '../page');

/** A result as one HTML file that needs neither a server nor a network. */
export function resultHtml(result: LoadResult): string {
  const library = createRequire(import.meta.url);
  const file = (specifier: string): string => readFileSync(library.resolve(specifier), 'utf8');
  const style = `${file('uplot/dist/uPlot.min.css')}\n${readFileSync(join(PAGE, 'style.css'), 'utf8')}`;
  // Its license requires the notice in every copy.
  const uplot = `/* uPlot: Copyright (c) 2022 Leon Sorokin, MIT License */\n${file('uplot/dist/uPlot.iife.min.js')}`;
  const script = readFileSync(join(PAGE, 'plots.js'), 'utf8');
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = `default-src 'none'; style-src ${hash(style)}; script-src ${hash(uplot)} ${hash(script)}; base-uri 'none'; form-action 'none'`;
  const times = timePlots(result);
  const percentiles = percentilePlots(result);
  const phases = result.phases.map(({ name, from, to }) => ({ name, from, to }));
  const data = JSON.stringify({ phases, plots: [...times, ...percentiles] }).replaceAll('<', '\\u003c');
  const { meta, outcome, validity } = result;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${meta.name}: ${outcome}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
<div class="head"><h1>${meta.name}</h1><span class="outcome ${outcome}">${outcome}</span></div>
${meta.plan.description !== undefined && html`<p class="lead">${meta.plan.description}</p>`}
${validity.reasons.length > 0 && html`<ul class="reasons">${validity.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`}
${facts(meta)}
<p class="note">${meta.model}</p>
</header>
<main>
${thresholds(result)}
<section><h2>Over time</h2>
<noscript><p class="note">The plots are drawn by a script that this browser does not run. The tables have the figures.</p></noscript>
<div class="plots">${times.map(figure)}</div></section>
<section><h2>Phases</h2>
${result.phases.map((phase) => phaseSection(phase, meta))}
<h3>All phases</h3>
${measuresTable('All phases', result.totals, meta)}
</section>
${percentiles.length > 0 && html`<section><h2>Distributions of all phases</h2><div class="plots small">${percentiles.map(figure)}</div></section>`}
${refusals(result.totals)}
${machines(result)}
<section><h2>Plan</h2><details><summary>The plan as it was run</summary><pre tabindex="0" aria-label="The plan">${JSON.stringify(meta.plan, undefined, 2)}</pre></details></section>
</main>
<script type="application/json" id="plots">${new Html(data)}</script>
<script>${new Html(uplot)}</script>
<script>${new Html(script)}</script>
</body>
</html>
`.toString();
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

function facts(meta: LoadMeta): Html {
  const { plan, worker, workers, server, client, seed, startedAt, duration, resolution, tunnelite } = meta;
  const dpd = server.dpd === undefined ? '' : `, DPD ${server.dpd} s`;
  const over = server.dtlsDpd === undefined || server.dtlsDpd === server.dpd ? '' : `, over DTLS ${server.dtlsDpd} s`;
  const { first, most, handshake } = client.dtlsRetry;
  const rows: (readonly [string, string])[] = [
    [
      'Clients',
      worker
        ? `${ownCount(plan.clients, worker)} of ${plan.clients}, worker ${worker.index} of ${worker.of}`
        : `${plan.clients}${workers ? `, by ${workers.length} workers` : ''}`,
    ],
    ['Gateway', `${server.url} (${server.kind}${dpd}${over})`],
    ['Began', startedAt],
    ['Took', seconds(duration)],
    ['Seed', String(seed)],
    ['Request period', `${resolution} ms: the resolution of fallback and interruption`],
    [
      'Clients leave DTLS',
      client.unanswered > 0
        ? `when data is unanswered for ${seconds(client.unanswered)}`
        : 'by dead peer detection alone',
    ],
    [
      'Clients try DTLS',
      `for ${seconds(handshake)}, and again after ${seconds(first)} up to ${seconds(most)}, less up to a half`,
    ],
    ['Tunnelite', tunnelite],
  ];
  return html`<dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function thresholds({ thresholds, meta }: LoadResult): Html {
  const table = html`<div class="scroll" tabindex="0" role="region" aria-label="Thresholds"><table><thead><tr><th scope="col">Result</th><th scope="col">Phase</th><th scope="col">Threshold and figure</th></tr></thead>
<tbody>${thresholds.map(({ passed, phase, text }) => html`<tr><td><span class="mark ${passed ? 'passed' : 'failed'}">${passed ? 'held' : 'not held'}</span></td><td>${phase ?? 'all'}</td><td>${text}</td></tr>\n`)}</tbody></table></div>`;
  const none = meta.worker ? 'They are evaluated when the results of all workers are merged.' : 'The plan has none.';
  return html`<section><h2>Thresholds</h2>${thresholds.length > 0 ? table : html`<p class="note">${none}</p>`}</section>`;
}

function figure({ id, title, note }: Plot): Html {
  return html`<figure class="plot"><figcaption>${title} ${note !== undefined && html`<small>${note}</small>`}</figcaption><div class="plot-area" id="${id}" aria-hidden="true"></div></figure>\n`;
}

function phaseSection(phase: PhaseResult, meta: LoadMeta): Html {
  const { name, from, to, arrivals, measures, dropped, leftOut } = phase;
  const kind = phase.phase === name ? '' : `${phase.phase}, `;
  const process = arrivals === undefined ? '' : `, ${arrivalsText(arrivals)}`;
  return html`<h3>${name} <small>${kind}${seconds(from)} to ${seconds(to)}${process}</small></h3>
${measuresTable(name, measures, meta)}
${Object.entries(dropped).map(([why, count]) => html`<p class="note">${count} arrivals dropped: ${why}</p>`)}
${leftOut > 0 && html`<p class="note">${leftOut} requests and arrivals of the warm-up excluded</p>`}
`;
}

const COLUMNS = ['p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const;

function measuresTable(name: string, { times, counters }: Measures, meta: LoadMeta): Html {
  const rows = TIME_NAMES.flatMap((key) => {
    const time = times[key];
    if (!time) return [];
    const cells = COLUMNS.map((column) => html`<td class="n">${timeText(time[column])}</td>`);
    return html`<tr><th scope="row" title="${TIMES[key]}">${key}</th><td class="n">${time.count}</td>${cells}</tr>\n`;
  });
  const counts = Object.entries(counters).filter(([, count]) => count > 0);
  const resolution =
    times.fallback || times.interruption ? ` Fallback and interruption are known within ${meta.resolution} ms.` : '';
  return html`${rows.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Times: ${name}"><table><thead><tr><th scope="col">Time</th><th scope="col" class="n">Count</th>${COLUMNS.map((column) => html`<th scope="col" class="n">${column === 'p999' ? 'p99.9' : column}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`}
${counts.length > 0 && html`<p class="counters">${counts.map(([name, count]) => `${name} ${count}`).join(', ')}.${resolution}</p>`}`;
}

function refusals({ refusals: causes }: Measures): Html | false {
  const rows = Object.entries(causes).toSorted((a, b) => b[1] - a[1]);
  if (rows.length === 0) return false;
  return html`<section><h2>Refusals</h2><div class="scroll" tabindex="0" role="region" aria-label="Refusals"><table><thead><tr><th scope="col" class="n">Count</th><th scope="col">Cause</th></tr></thead><tbody>${rows.map(([cause, count]) => html`<tr><td class="n">${count}</td><td>${cause}</td></tr>\n`)}</tbody></table></div></section>`;
}

function machines({ meta, gateway }: LoadResult): Html {
  const text = ({ cpus, cpu, memory, node, platform }: Machine): string =>
    `${cpus} × ${cpu}, ${(memory / 2 ** 30).toFixed(1)} GiB, Node.js ${node}, ${platform}`;
  const generators = meta.workers
    ? meta.workers.map(({ index, startedAt, machine }) => [`Worker ${index}`, `${text(machine)}; began ${startedAt}`])
    : [['Generator', text(meta.machine)]];
  const rows = [...generators, ...(gateway ? [['Gateway', gatewayText(gateway)]] : [])];
  return html`<section><h2>Machines</h2><div class="scroll" tabindex="0" role="region" aria-label="Machines"><table><tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`)}</tbody></table></div></section>`;
}

function gatewayText({ source, cpu, rss, loopDelay }: NonNullable<LoadResult['gateway']>): string {
  const delay = loopDelay
    ? `; loop delay p99 ${loopDelay.p99.toFixed(1)} ms, at most ${loopDelay.max.toFixed(1)} ms`
    : '';
  return `${cpu.toFixed(2)} s of processor time; memory ${mib(rss.first)} to ${mib(rss.last)}, at most ${mib(rss.max)}${delay} (by ${source})`;
}
