import { useEffect, useRef } from 'preact/hooks';
import { useSize } from './hooks.js';
import { html } from './html.js';

/** The chart library: a third of the page's size, so only views with a chart load it. */
let loading = /** @type {Promise<any> | undefined} */ (undefined);

function load() {
  loading ??= import('uplot').then((module) => {
    const sheet = document.createElement('link');
    sheet.rel = 'stylesheet';
    sheet.href = '/dashboard/lib/uplot.css';
    document.head.append(sheet);
    return module.default;
  });
  return loading;
}

/**
 * Lines over time.
 * @param {{ label: string, series: readonly { label: string, color: string }[], data: (number | null)[][], format: (value: number) => string, height?: number, least?: number }} props
 */
export function Chart({ label, series, data, format, height = 170, least = 10 }) {
  const [ref, size] = useSize();
  const chart = useRef(/** @type {any} */ (undefined));
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    let ended = false;
    const make = () =>
      load().then((uPlot) => {
        if (ended || !ref.current) return;
        chart.current?.destroy();
        const style = getComputedStyle(document.documentElement);
        const color = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
        const axis = {
          stroke: color('--muted'),
          grid: { stroke: color('--line'), width: 1 },
          ticks: { show: false },
          font: '11px system-ui, sans-serif',
        };
        chart.current = new uPlot(
          {
            width: Math.max(200, ref.current.clientWidth),
            height,
            legend: { show: true, live: true },
            cursor: { y: false, points: { size: 6 } },
            scales: {
              y: {
                range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [
                  0,
                  Math.max(least, (most || 0) * 1.1),
                ],
              },
            },
            axes: [
              {
                ...axis,
                space: 70,
                size: 28,
                values: (/** @type {any} */ _, /** @type {number[]} */ values) =>
                  values.map((at) => new Date(at * 1000).toTimeString().slice(0, 8)),
              },
              {
                ...axis,
                size: 78,
                values: (/** @type {any} */ _, /** @type {number[]} */ values) => values.map(format),
              },
            ],
            series: [
              {
                value: (/** @type {any} */ _, /** @type {number} */ at) =>
                  at ? new Date(at * 1000).toLocaleTimeString() : '–',
              },
              ...series.map((one) => ({
                label: one.label,
                stroke: color(one.color),
                fill: `${color(one.color)}18`,
                width: 1.5,
                points: { show: false },
                value: (/** @type {any} */ _, /** @type {number | null} */ value) =>
                  value === null || value === undefined ? '–' : format(value),
              })),
            ],
          },
          latest.current,
          ref.current,
        );
      });
    void make();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', make);
    return () => {
      ended = true;
      scheme.removeEventListener('change', make);
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);
  useEffect(() => {
    if (size.width > 0) chart.current?.setSize({ width: size.width, height });
  }, [size.width, height]);
  useEffect(() => chart.current?.setData(data), [data]);
  const last = series.map((one, i) => `${one.label} ${format(data[i + 1]?.at(-1) ?? 0)}`).join(', ');
  return html`<figure class="chart"><figcaption>${label}<span class="chart-now">${last}</span></figcaption><div ref=${ref} class="chart-plot" aria-hidden="true" style=${{ minHeight: `${height}px` }}></div></figure>`;
}
