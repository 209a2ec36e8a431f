import { Component } from 'preact';
import { short } from '../core/format.js';
import { html } from './html.js';

/**
 * Shows its contents or, if they fail to render, an error: a report can be damaged, and an instance can have another version. The rest of
 * the page keeps working.
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
