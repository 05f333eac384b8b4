/** @file The configuration form as a whole. */
import '../shared/failureBar';
import './formHead';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { keyed } from 'lit/directives/keyed.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Problem } from '../../kernels/protocol/errors';
import type { FormDocument } from '../protocol/configForm';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import { fieldRow, isChoiceless, type FieldSurroundings } from './fieldRow';
import { problemsElsewhere, problemsOf, problemText } from './problems';
import type { FormField, FormGroup, FormSection } from './schemaForm';
import type { ConfigFormStore } from './store';
import { valueAt } from './values';

@customElement('as-config-form')
export class ConfigForm extends SignalElement {
  @property({ attribute: false }) store!: ConfigFormStore;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener('keydown', this.onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener('keydown', this.onKey);
  }

  /** In a text input the browser takes back what was typed, and the document follows; elsewhere the form does. */
  private readonly onKey = (event: KeyboardEvent): void => {
    const isUndo = event.key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    const isText = event.target instanceof HTMLTextAreaElement || (event.target as HTMLInputElement).type === 'text';
    if (!isUndo || isText) return;
    event.preventDefault();
    this.store.undo();
  };

  protected override render(): TemplateResult {
    const { store } = this;
    return html`<as-failure-bar .failures=${store.failures}></as-failure-bar>
      <main>
        <h1 class="visually-hidden">${l10n.t('Adapter configuration')}</h1>
        ${this.renderMain()}
      </main>`;
  }

  private renderMain(): TemplateResult {
    const { store } = this;
    const snapshot = store.snapshot.value;
    if (!snapshot) return html`<p class="muted">${l10n.t('Opening…')}</p>`;
    if (!snapshot.document) return this.renderEmpty();
    const { document } = snapshot;
    // Another document is another form: what is half typed belongs to the one it was typed for.
    return html`<as-form-head .store=${store}></as-form-head> ${keyed(document.uri, this.renderForm(document))}`;
  }

  private renderEmpty(): TemplateResult {
    return html`<p class="empty">
        ${l10n.t('A configuration says which base model is trained on which data, and how.')}
      </p>
      <vscode-button block @click=${() => this.store.command('new')}
        ><span slot="content-before">${icon('new-file')}</span>${l10n.t('New Configuration')}</vscode-button
      >`;
  }

  private renderForm(document: FormDocument): TemplateResult {
    const { store } = this;
    const sections = store.sections.value;
    const isBroken = document.values === null;
    const elsewhere = isBroken ? document.problems : problemsElsewhere(sections, document.problems);
    return html`${isBroken ? this.renderBroken() : nothing} ${elsewhere.length > 0 ? problemList(elsewhere) : nothing}
      <form ?inert=${isBroken} class=${isBroken ? 'is-broken' : ''} @submit=${(e: Event) => e.preventDefault()}>
        ${repeat(
          sections,
          ({ key }) => key,
          (section) => this.renderSection(section, document),
        )}
      </form>`;
  }

  private renderBroken(): TemplateResult {
    return html`<p class="banner error">
      ${icon('error')}
      <span>${l10n.t('The file is not valid YAML, so the form cannot change it. Correct it in the text editor.')}</span>
    </p>`;
  }

  private renderSection({ key, title, groups }: FormSection, document: FormDocument): TemplateResult {
    return html`<details class="section" data-section=${key} ?open=${this.store.isOpen(key, true)}>
      <summary @click=${this.onFold(key)}><h2>${title}</h2></summary>
      ${groups.map((group) => this.renderGroup(key, group, document))}
    </details>`;
  }

  private renderGroup(section: string, { title, fields }: FormGroup, document: FormDocument): TemplateResult {
    const values = this.store.values.value ?? {};
    const offered = fields.filter((field) => !isChoiceless(field, values, problemsOf(field, document.problems)));
    if (offered.length === 0) return html``;
    const part = `${section}/${title}`;
    const rows = html`${repeat(
      offered,
      ({ path }) => path.join('.'),
      (field) => fieldRow(field, this.surroundings(field, document, part)),
    )}`;
    if (title === '') return rows;
    // What is written, or wrong, is in view; what only has its default can wait.
    const isOfNote = offered.some(
      (field) => valueAt(values, field.path) !== undefined || problemsOf(field, document.problems).length > 0,
    );
    return html`<details class="group" ?open=${this.store.isOpen(part, isOfNote)}>
      <summary @click=${this.onFold(part)}>
        <h3>${title}</h3>
        <span class="muted preview">${offered.map(({ label }) => label).join(', ')}</span>
      </summary>
      ${rows}
    </details>`;
  }

  /** The element does not open by itself: what is open is kept in one place. */
  private onFold(part: string): (event: Event) => void {
    return (event) => {
      event.preventDefault();
      const details = (event.currentTarget as HTMLElement).parentElement as HTMLDetailsElement;
      this.store.setOpen(part, !details.open);
    };
  }

  private surroundings(field: FormField, { uri, problems, figures }: FormDocument, part: string): FieldSurroundings {
    const { store } = this;
    return {
      values: store.values.value ?? {},
      problems: problemsOf(field, problems),
      figure: figures[field.path.join('.')],
      isHelpShown: store.isHelpShown.value,
      set: (path, value) => {
        // Taking back its last written key must not fold a group under the person's hands.
        store.setOpen(part, true);
        return store.set(uri, path, value);
      },
      browse: (path, kind) => store.browse(uri, path, kind),
      openText: () => store.command('openText'),
    };
  }
}

/** Problems that no field can show, with the line where they are. */
function problemList(problems: readonly Problem[]): TemplateResult {
  return html`<ul class="problem-list" aria-label=${l10n.t('Problems')}>
    ${problems.map(
      (p) =>
        html`<li class="problem ${p.severity}">
          ${icon(p.severity)}
          <span
            >${p.line === undefined ? '' : `${l10n.t('Line {0}:', p.line)} `}${p.where ? `${p.where}: ` : ''}${problemText(p)}</span
          >
        </li>`,
    )}
  </ul>`;
}
