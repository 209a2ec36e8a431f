import { useEffect, useState } from 'preact/hooks';
import { json } from '../core/api.js';
import { plain, short } from '../core/format.js';
import {
  bodyOf,
  draftOf,
  emptyDraft,
  factsOf,
  findingsOf,
  KINDS,
  kindNames,
  kindOfSet,
  sectionsOf,
  subjectOf,
} from '../core/policies.js';
import { IS_REPORT } from '../core/report.js';
import { Act, how, messages } from '../ui/how.js';
import { html } from '../ui/html.js';
import { NoPolicies, refresh, useIntune } from '../ui/intune.js';
import { Code, Facts, Heading } from '../ui/parts.js';
import { PolicyStep } from '../ui/policy-steps.js';
import { FindingList } from './policies.js';

/**
 * One policy: its settings, or the admin center's steps to create or change it.
 * @param {{ model: import('../core/model.js').Model, argument: string }} props `new/<kind>`, or `<collection>/<id>`
 */
export default function PolicyView({ model, argument }) {
  const { value, error } = useIntune(model);
  const [first = '', id = ''] = argument.split('/');
  const [editing, setEditing] = useState(first === 'new' && !IS_REPORT);
  useEffect(() => {
    if (first === 'new')
      how.showView({ title: 'All policies', cli: ['intune', 'export'], rest: { path: '/api/intune/export' } });
    else how.showView({ title: 'The policy', cli: ['intune', 'show', first, id], rest: { path: pathOf(first, id) } });
  }, [argument]);
  if (!value) return html`<${NoPolicies} title="Policy" error=${error} />`;
  const back = html`<a href="#/policies">All policies</a>`;
  if (first === 'new' && !IS_REPORT) {
    const kind = /** @type {import('../core/policies.js').Kind} */ (Object.hasOwn(KINDS, id) ? id : 'appConfiguration');
    return html`<${Heading} title=${`Create: ${KINDS[kind].title}`} about=${back} /><${Wizard} value=${value} kind=${kind} />`;
  }
  const names = kindNames(first);
  const object = names && value.document[first]?.find((one) => one.id === id);
  if (!names || !object)
    return html`<${Heading} title="Policy" about=${back} /><p class="notice">There is no such policy (any more).</p>`;
  const kind = kindOfSet(first);
  const rest = { method: 'DELETE', path: pathOf(first, id) };
  return html`
    <${Heading} title=${short(object.displayName, 120) || 'Without a name'} about=${html`${back} · ${names.title} <span class="mono">${plain(id)}</span>`}>
      ${kind && !IS_REPORT && html`<button type="button" class="act" aria-pressed=${String(editing)} onClick=${() => setEditing(!editing)}>${editing ? 'Stop editing' : 'Edit'}</button>`}
      <${Act} kind="danger" how=${{ title: 'Delete', cli: ['intune', 'remove', first, id], rest }} run=${async () => {
        await json(rest.path, rest);
        await refresh();
        messages.carry();
        location.hash = '#/policies';
      }} done=${`${short(object.displayName, 80)} is deleted.`}>Delete</${Act}>
    </${Heading}>
    ${
      editing && kind
        ? html`<${Wizard} value=${value} kind=${kind} object=${object} onSaved=${() => setEditing(false)} />`
        : html`<${Properties} value=${value} set=${first} object=${object} />`
    }
  `;
}

/** @param {string} set @param {string} [id] */
const pathOf = (set, id) => `/api/intune/objects/${set}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;

/** @param {{ value: import('../ui/intune.js').IntuneState, set: string, object: import('../core/policies.js').GraphObject }} props */
function Properties({ value, set, object }) {
  const { document, findings } = value;
  const kind = kindOfSet(set);
  const found = findingsOf(findings, subjectOf(set, object));
  return html`
    ${found.length > 0 && html`<section class="card" aria-labelledby="found-title"><h2 id="found-title">What would fail in the field</h2><${FindingList} findings=${found} /></section>`}
    ${
      kind
        ? html`<${Sections} draft=${draftOf(kind, object, document)} document=${document} />`
        : html`<section class="card"><h2>Properties</h2><${Facts} rows=${factsOf(set, object, document)} /></section>`
    }
    <${Changes} set=${set} object=${object} />
  `;
}

/** @param {{ draft: import('../core/policies.js').Draft, document: import('../core/policies.js').Document }} props */
function Sections({ draft, document }) {
  return html`<div class="cards wide">${sectionsOf(draft, document).map(
    ({ title, rows }) => html`<section class="card" key=${title}><h2>${title}</h2>
      <${Facts} rows=${rows.map(([name, text]) => [short(name, 120), short(text, 600)])} /></section>`,
  )}</div>`;
}

/** The object as Graph has it, and a change as Graph takes it. @param {{ set: string, object: import('../core/policies.js').GraphObject }} props */
function Changes({ set, object }) {
  const [draft, setDraft] = useState('{ "description": "…" }');
  /** @type {any} */
  let body;
  let wrong = '';
  try {
    body = JSON.parse(draft);
  } catch (error) {
    wrong = /** @type {Error} */ (error).message;
  }
  const rest = { method: 'PATCH', path: pathOf(set, String(object.id)), body };
  const cli = ['intune', 'change', set, String(object.id), '--body', JSON.stringify(body) ?? '{}'];
  return html`<section class="card" aria-labelledby="json-title">
    <h2 id="json-title">As Microsoft Graph has it</h2>
    <${Code} text=${shown(object)} />
    ${
      !IS_REPORT &&
      html`<label class="field"><span>Members to change, as JSON</span>
      <textarea rows="4" spellcheck=${false} value=${draft} onInput=${(/** @type {any} */ event) => setDraft(event.currentTarget.value)}></textarea></label>
    <div class="buttons"><${Act} how=${{ title: 'Change members', cli, rest }} run=${() => json(rest.path, rest).then(refresh)} disabled=${body === undefined} done="Changed.">Change</${Act}>
      ${wrong && html`<span class="why fallback">It is not JSON yet: ${short(wrong, 120)}</span>`}</div>`
    }
  </section>`;
}

/** JSON on lines of its own, what could turn or hide it spelled out. @param {unknown} value */
function shown(value) {
  return JSON.stringify(value, null, 2)
    .split('\n')
    .slice(0, 400)
    .map((line) => short(line, 400))
    .join('\n');
}

/**
 * @param {{
 *   value: import('../ui/intune.js').IntuneState, kind: import('../core/policies.js').Kind, object?: import('../core/policies.js').GraphObject,
 *   onSaved?: () => void,
 * }} props
 */
function Wizard({ value, kind, object, onSaved }) {
  const { document } = value;
  const [draft, setDraft] = useState(() => (object ? draftOf(kind, object, document) : emptyDraft(kind)));
  const [step, setStep] = useState('Basics');
  const { set } = KINDS[kind];
  const last = object ? 'Review + save' : 'Review + create';
  const steps = [...KINDS[kind].steps, last];
  const at = steps.indexOf(step);
  const body = bodyOf(draft, document);
  const rest = object
    ? { method: 'PATCH', path: pathOf(set, String(object.id)), body }
    : { method: 'POST', path: pathOf(set), body };
  const words = object ? ['change', set, String(object.id)] : ['create', set];
  const cli = ['intune', ...words, '--body', JSON.stringify(body)];
  const save = async () => {
    const { id } = await json(rest.path, rest);
    await refresh();
    if (object) {
      onSaved?.();
      return;
    }
    messages.carry();
    location.hash = `#/policy/${set}/${encodeURIComponent(id)}`;
  };
  return html`
    <ol class="steps" aria-label="Steps">${steps.map((name) => html`<li key=${name}><button type="button" aria-current=${name === step ? 'step' : undefined} onClick=${() => setStep(name)}>${name}</button></li>`)}</ol>
    ${
      step === last
        ? html`<${Sections} draft=${draft} document=${document} />
            <section class="card" aria-labelledby="body-title"><h2 id="body-title">What Graph is sent</h2><${Code} text=${shown(body)} /></section>`
        : html`<section class="card" aria-labelledby="step-title"><h2 id="step-title">${step}</h2>
            <${PolicyStep} step=${step} draft=${draft} change=${(/** @type {object} */ changes) => setDraft((before) => ({ ...before, ...changes }))} value=${value} /></section>`
    }
    <div class="buttons">
      <button type="button" class="act" disabled=${at === 0} onClick=${() => setStep(String(steps[at - 1]))}>Previous</button>
      ${
        step === last
          ? html`<${Act} kind="primary" how=${{ title: object ? 'Save the policy' : 'Create the policy', cli, rest }} run=${save} done=${`${short(draft.displayName, 80)} is ${object ? 'saved' : 'created'}.`}>${object ? 'Save' : 'Create'}</${Act}>`
          : html`<button type="button" class="act primary" onClick=${() => setStep(String(steps[at + 1]))}>Next</button>`
      }
    </div>
  `;
}
