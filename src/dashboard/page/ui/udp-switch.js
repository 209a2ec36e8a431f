import { json } from '../core/api.js';
import { useStore } from './hooks.js';
import { Act } from './how.js';
import { html } from './html.js';

/** How often to poll, in milliseconds: events report new rules and removed ones. */
const UNHURRIED_MS = 10_000;

/** Name of the rule that the switch adds. */
export const UDP_RULE = 'no-udp';
const RULE = { name: UDP_RULE, on: { seam: 'udp' }, then: { do: 'drop' } };

/** Blocks UDP for everyone with one click, and frees it with another. @param {{ model: import('../core/model.js').Model }} props */
export function UdpSwitch({ model }) {
  const state = ({ value } = model.faults) => value?.rules.some(({ name }) => name === UDP_RULE);
  const { value } = useStore(model.faults, (faults) => String(state(faults)), UNHURRIED_MS);
  const blocked = state() ?? false;
  const how = blocked
    ? {
        title: 'Let UDP through again',
        cli: ['fault', 'remove', UDP_RULE],
        rest: { method: 'DELETE', path: `/api/faults/${UDP_RULE}` },
      }
    : {
        title: 'Block UDP',
        cli: ['fault', 'add', 'udp', 'drop', '--name', UDP_RULE],
        rest: { method: 'POST', path: '/api/faults', body: RULE },
      };
  const run = async () => {
    await json(how.rest.path, how.rest);
    await model.faults.now();
    return blocked
      ? 'UDP passes again. Clients return to DTLS when they next try.'
      : 'UDP is blocked. Clients fall back to TLS when they notice: after the dead-peer detection time at the latest.';
  };
  return html`<${Act} how=${how} run=${run} kind=${`udp ${blocked ? 'on' : ''}`} pressed=${blocked} disabled=${value === undefined}>
    ${blocked ? 'UDP is blocked' : 'Block UDP'}
  </${Act}>`;
}
