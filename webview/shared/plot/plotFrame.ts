/** @file What stands around every plot: its title, the table switch and the picture button. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { icon } from '../icon';

export interface FrameOptions {
  readonly title: string;
  readonly isTable: boolean;
  readonly onToggleTable: () => void;
  /** Absent while there is nothing to save. */
  readonly onSavePicture?: (() => void) | undefined;
  /** Further controls before the two buttons. */
  readonly controls?: TemplateResult | typeof nothing | undefined;
  readonly body: TemplateResult;
}

export function plotFrame(options: FrameOptions): TemplateResult {
  const { title, isTable, onToggleTable, onSavePicture, controls = nothing, body } = options;
  return html`<div class="plot-frame">
    <div class="plot-head">
      <h3>${title}</h3>
      <div class="plot-actions">
        ${controls}
        <button
          type="button"
          class="icon-button"
          aria-pressed=${isTable}
          aria-label=${l10n.t('{0} as a table', title)}
          title=${l10n.t('Show as a table')}
          @click=${onToggleTable}
        >
          ${icon('table')}
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label=${l10n.t('Save {0} as PNG', title)}
          title=${l10n.t('Save as PNG')}
          ?disabled=${onSavePicture === undefined}
          @click=${() => onSavePicture?.()}
        >
          ${icon('device-camera')}
        </button>
      </div>
    </div>
    ${body}
  </div>`;
}
