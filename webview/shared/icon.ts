/** @file A codicon. The font's style sheet is linked by the page's HTML; icons are decoration, their control carries the name. */
import { html, type TemplateResult } from 'lit';

export function icon(name: string, className = ''): TemplateResult {
  return html`<span class="codicon codicon-${name} ${className}" aria-hidden="true"></span>`;
}
