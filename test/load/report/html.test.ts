import t from 'tap';
import { mergeResults, resultHtml } from '../../../src/load/index.ts';
import { percentilePlots, timePlots } from '../../../src/load/report/plots.ts';
import { loadResult } from '../../support/load-results.ts';

t.test('the page has what the result has, and nothing that another place would have to send', async (t) => {
  const page = resultHtml(loadResult({ thresholds: ['fallback.p99 < 1s'], gateway: { cpu: 1.5, rss: 200 * 2 ** 20 } }));
  t.match(page, '<h1>test</h1><span class="outcome failed">failed</span>');
  t.match(page, /not held<\/span><\/td><td>all<\/td><td>fallback\.p99 &lt; 1s: 4 s/);
  t.match(page, /2 × Test, 8\.0 GiB, Node\.js v24\.0\.0, linux x64/);
  t.match(page, /1\.50 s of processor time; memory 100 MiB to 200 MiB/);
  t.match(page, 'uPlot: Copyright (c) 2022 Leon Sorokin, MIT License');
  // The script of the library has its address in a comment; nothing is fetched from anywhere.
  t.notMatch(
    page.replace('https://github.com/leeoniya/uPlot', ''),
    /(?:src|href)=|@import|url\(|https?:\/\/(?!gateway\.example)/,
  );
  t.notMatch(page, /\bon[a-z]+="|style="/);
});

t.test('what others have written is text, wherever it stands', async (t) => {
  const evil = '</script><script>alert(1)</script><img src=x onerror=alert(2)>"\'';
  const result = loadResult({
    name: evil,
    refusals: [evil],
    plan: {
      description: evil,
      phases: [
        { phase: 'login storm', for: '2s', name: evil.slice(0, 64) },
        { phase: 'steady', for: '3s' },
      ],
    },
  });
  const page = resultHtml({
    ...result,
    validity: { ...result.validity, reasons: [evil] },
    meta: {
      ...result.meta,
      server: { ...result.meta.server, url: evil },
      machine: { ...result.meta.machine, cpu: evil },
    },
  });
  t.equal(page.match(/<script/g)!.length, 3);
  t.equal(page.match(/<\/script>/g)!.length, 3);
  t.notMatch(page, '<img');
});

t.test('plots are of what is known', async (t) => {
  const [alone, beside] = [loadResult(), loadResult({ gateway: { cpu: 1, rss: 1e8 } })];
  const cpu = (result: typeof alone) => timePlots(result).find(({ id }) => id === 'plot-cpu')!;
  t.strictSame(cpu(alone).labels, ['generator']);
  t.strictSame(cpu(beside).labels, ['generator', 'gateway']);
  for (const plot of [...timePlots(beside), ...percentilePlots(beside)]) {
    t.equal(plot.data.length, plot.labels.length + 1);
    for (const column of plot.data) t.equal(column.length, plot.data[0]!.length);
  }
  t.strictSame(
    percentilePlots(alone).map(({ title }) => title),
    ['login', 'fallback', 'roundtrip.dtls', 'lag'],
  );
});

t.test('the report of merged results names each worker and its machine', async (t) => {
  const workers = [1, 2].map((index) => ({ file: `${index}`, result: loadResult({ worker: { index, of: 2 } }) }));
  t.match(resultHtml(workers[0]!.result), /evaluated when the results of all workers are merged/);
  const page = resultHtml(mergeResults(workers));
  t.match(page, /6, by 2 workers/);
  t.match(page, /<th scope="row">Worker 2<\/th><td>2 × Test/);
});
