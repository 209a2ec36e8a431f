import { Component } from 'preact';
import { short } from '../core/format.js';
import { html } from './html.js';

/**
 * Shows what is inside, or, when that cannot be shown, says so: a report may be damaged, and an instance be of another version. The rest of the page
 * goes on.
 * @extends {Component<{ title: string, children?: any }, { error: unknown }>}
 */
export class Boundary extends Component {
  constructor() {
    super();
    this.state = { error: undefined };
  }

  /** @param {unknown} error */
  static getDerivedStateFromError(error) {
    return { error };
  }

  render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return html`<div class="heading"><h1>${this.props.title}</h1></div>
      <p class="notice bad" role="alert">This cannot be shown, because what was answered is not what this page knows: ${short(/** @type {Error} */ (error).message ?? error, 200)}</p>`;
  }
}
