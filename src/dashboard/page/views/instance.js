import { useEffect, useState } from 'preact/hooks';
import { json, request } from '../core/api.js';
import { moment, plain } from '../core/format.js';
import { Copy, download, downloadBlob } from '../ui/copy.js';
import { Explanation } from '../ui/explanation.js';
import { useStore } from '../ui/hooks.js';
import { Act, how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Code, Facts, Heading } from '../ui/parts.js';

/** Command that shows a report. */
const OPEN = ['open', 'tunnelite-report.tar.gz'];

/** The instance that a report is of: where it ran, how it was set up, and what else is in the report. @param {{ model: import('../core/model.js').Model }} props */
export default function Instance({ model }) {
  const status = useStore(model.status).value;
  const report = useStore(/** @type {NonNullable<typeof model.report>} */ (model.report)).value;
  const [config, setConfig] = useState(/** @type {unknown} */ (undefined));
  const [metrics, setMetrics] = useState('');
  const [captured, setCaptured] = useState(false);
  useEffect(() => {
    how.showView({ title: 'How the instance was set up', cli: OPEN, rest: { path: '/api/config' } });
    json('/api/config').then(setConfig, () => {});
    json('/api/capture').then(
      (all) => setCaptured(all?.captures?.length > 0),
      () => {},
    );
    request('/metrics')
      .then((answer) => answer.text())
      .then(setMetrics, () => {});
  }, []);
  const text = config === undefined ? '' : JSON.stringify(config, null, 2);
  return html`
    <${Heading} title="Instance" about="The instance that this report is of, as it was then. Nothing of it runs here." />
    <div class="cards wide">
      <section class="card" aria-labelledby="report-title">
        <h2 id="report-title">The report</h2>
        <${Facts} rows=${[
          ['Made', report && moment(report.createdAt)],
          ['Tunnelite', report && plain(report.version)],
          ['Older events', report?.leftOut && `${plain(report.leftOut)} were left out`],
          ['Node.js', report && plain(report.node)],
          ['Platform', report && plain(report.platform)],
          ['Gateway', plain(status?.gateway)],
          ['Authority', plain(status?.authority)],
        ]} />
        <div class="buttons">
          ${
            captured
              ? html`<${Act} looks how=${{ title: 'The capture of this report', cli: OPEN, rest: { path: '/api/capture/c1/download' } }} run=${async () => {
                  downloadBlob('tunnelite-report.pcapng', await (await request('/api/capture/c1/download')).blob());
                  return 'Downloaded the capture: headers only, without keys.';
                }}>Download the capture</${Act}>`
              : ''
          }
          <${Act} looks disabled=${metrics === ''} how=${{ title: 'The metrics of this report', cli: OPEN, rest: { path: '/metrics' } }} run=${() => {
            download('tunnelite-metrics.txt', 'text/plain', metrics);
            return 'Downloaded the metrics.';
          }}>Download the metrics</${Act}>
        </div>
        <p class="small">${captured ? 'The capture has headers only, and no keys.' : 'No packets were captured.'} Secrets were taken out when the report was made.</p>
      </section>
      <${Explanation} title="The last client, in plain words" />
      ${
        text !== '' &&
        html`<section class="card" aria-labelledby="config-title">
          <h2 id="config-title">Configuration</h2>
          <${Code} text=${text}><${Copy} text=${text} what="the configuration" /></${Code}>
        </section>`
      }
    </div>
  `;
}
