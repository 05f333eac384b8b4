/** @file One fact with its name, inside a list of facts. */
import { html, type TemplateResult } from 'lit';

export function fact(name: string, value: string | TemplateResult): TemplateResult {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}
