/*
 * Draws the plots of a report on a load test, from the data that the page holds. A classic script: a page that is opened from a file has
 * no modules.
 */
(() => {
  /** @type {any} */
  const uPlot = /** @type {any} */ (globalThis).uPlot;
  const source = document.getElementById('plots');
  if (!source || !uPlot) return;
  /** @type {{ phases: { name: string, from: number, to: number }[], plots: Plot[] }} */
  const { phases, plots } = JSON.parse(source.textContent ?? '');

  /**
   * @typedef {object} Plot
   * @property {string} id of the element that it is drawn into
   * @property {'time' | 'percentiles'} x
   * @property {'ms' | 'count' | 'share' | 'MiB'} unit
   * @property {string[]} labels
   * @property {number} height
   * @property {(number | null)[][]} data columns: x, then each line
   */

  const COLORS = ['--series-a', '--series-b', '--series-c'];
  const color = (/** @type {string} */ name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** @type {Record<Plot['unit'], (value: number) => string>} */
  const FORMATS = {
    ms: (value) => (value >= 1000 ? `${round(value / 1000)} s` : `${round(value)} ms`),
    count: (value) => round(value),
    share: (value) => `${round(value * 100)} %`,
    MiB: (value) => `${Math.round(value)} MiB`,
  };
  const round = (/** @type {number} */ value) => String(Number(value.toPrecision(3)));
  /** Percentiles that have a line, by the number of their nines, which is their x. */
  const MARKS = [0, Math.log10(2), 1, 2, 3, 4];
  const percentile = (/** @type {number} */ nines) => round(100 * (1 - 10 ** -nines));

  /** Every second phase has another background, and each its name where there is room. */
  function phaseBands(/** @type {any} */ u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${Math.round(11 * devicePixelRatio)}px system-ui, sans-serif`;
    for (const [i, { name, from, to }] of phases.entries()) {
      const [left, right] = [from, to].map((at) => u.valToPos(at / 1000, 'x', true));
      if (i % 2 === 1) {
        ctx.fillStyle = color('--band');
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
      }
      ctx.fillStyle = color('--muted');
      if (ctx.measureText(name).width < right - left - 8 * devicePixelRatio)
        ctx.fillText(name, left + 4 * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
    }
    ctx.restore();
  }

  function draw(/** @type {Plot} */ plot) {
    const area = document.getElementById(plot.id);
    if (!area) return;
    area.replaceChildren();
    const format = FORMATS[plot.unit];
    const axis = {
      stroke: color('--muted'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    const time = plot.x === 'time';
    const xText = (/** @type {number} */ value) => (time ? `${round(value)} s` : `p${percentile(value)}`);
    const top = (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, (most || 1) * 1.15];
    new uPlot(
      {
        width: Math.max(240, area.clientWidth),
        height: plot.height,
        cursor: { y: false },
        hooks: time ? { drawAxes: [phaseBands] } : {},
        scales: {
          x: {
            time: false,
            range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, most || 1],
          },
          y: { range: top },
        },
        axes: [
          {
            ...axis,
            size: 32,
            space: time ? 60 : 20,
            ...(!time && { splits: () => MARKS.filter((mark) => mark <= (plot.data[0].at(-1) ?? 0)) }),
            values: (/** @type {any} */ _, /** @type {number[]} */ values) => values.map(xText),
          },
          { ...axis, size: 70, values: (/** @type {any} */ _, /** @type {number[]} */ values) => values.map(format) },
        ],
        series: [
          {
            label: time ? 'At' : 'Percentile',
            value: (/** @type {any} */ _, /** @type {number | null} */ at) => (at === null ? '–' : xText(at)),
          },
          ...plot.labels.map((label, i) => ({
            label,
            stroke: color(COLORS[i % COLORS.length]),
            width: 1.5,
            points: { show: plot.data[0].length < 3 },
            value: (/** @type {any} */ _, /** @type {number | null} */ value) =>
              value === null || value === undefined ? '–' : format(value),
          })),
        ],
      },
      plot.data,
      area,
    );
  }

  const all = () => {
    for (const plot of plots) draw(plot);
  };
  all();
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    all();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', all);
})();
