import { useEffect } from 'preact/hooks';
import { json } from '../core/api.js';
import { plain } from '../core/format.js';
import { Poll } from '../core/poll.js';
import { useStore } from './hooks.js';
import { html } from './html.js';
import { Heading } from './parts.js';

/**
 * @typedef {{ level: string, rule: string, subject: string, message: string, fix: string }} Finding
 * @typedef {{
 *   userId: string, user: string, app: string, platform: string, enrolled: boolean, at: string, settings: number, policies: string[],
 *   conflicts: number, notes: string[], state: string,
 * }} DeliveryState
 * @typedef {{
 *   document: import('../core/policies.js').Document, facts: any, findings: Finding[], deliveries: DeliveryState[], users: any[],
 * }} IntuneState
 */

/** @returns {Promise<IntuneState>} */
async function load() {
  const [{ document, facts }, { findings }, { deliveries }, [tenant]] = await Promise.all([
    json('/api/intune/export'),
    json('/api/intune/lint'),
    json('/api/intune/deliveries'),
    json('/api/directory/tenants'),
  ]);
  const users = tenant ? await json(`/api/directory/tenants/${encodeURIComponent(tenant.id)}/users`) : [];
  return { document, facts, findings, deliveries, users };
}

/** @type {Poll<IntuneState> | undefined} */
let poll;

/** Policies, sites, what is wrong with them and who got them; asked for again as they change. @param {import('../core/model.js').Model} model */
export function useIntune(model) {
  poll ??= new Poll(load, 30_000);
  const all = poll;
  useEffect(
    () =>
      model.live.listen((events) => {
        if (events.some(({ name }) => name.startsWith('intune.') || name === 'simulator.reset')) all.poke();
      }),
    [],
  );
  return useStore(all);
}

/** Refreshes the displayed data. */
export async function refresh() {
  await poll?.now();
}

/** What stands in the place of a view that has nothing to show (yet). @param {{ title: string, error: any }} props */
export function NoPolicies({ title, error }) {
  if (error?.status === 404)
    return html`<${Heading} title=${title} /><p class="notice">This instance takes the tokens of a real tenant (identity.authority): its policies are in Intune.</p>`;
  if (error) return html`<${Heading} title=${title} /><p class="notice bad">${plain(error.message)}</p>`;
  return html`<${Heading} title=${title} /><p class="starting">Loading…</p>`;
}
