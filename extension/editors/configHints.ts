/** @file Figures at the ends of lines: trained parameters, samples, steps, the size of a batch, the memory of the run. */
import {
  EventEmitter,
  InlayHint,
  l10n,
  languages,
  MarkdownString,
  Position,
  workspace,
  type CancellationToken,
  type InlayHintsProvider,
  type Range,
  type TextDocument,
  type Uri,
} from 'vscode';
import type { ConfigHint, HintPlace } from '../../kernels/protocol/calls/config';
import type { QuickEstimate } from '../../kernels/protocol/calls/estimate';
import { Owner } from '../util/disposables';
import { isCancelled } from '../util/failures';
import { formatBytes, formatCount, formatNumber } from '../util/format';
import type { ConfigChecks } from './configChecks';
import { CONFIG_SELECTOR } from './configFiles';
import type { DataChecks } from './dataChecks';
import { languageCall, type LanguageParts } from './languageCall';

export class ConfigHints extends Owner implements InlayHintsProvider {
  private readonly changed = this.register(new EventEmitter<void>());
  readonly onDidChangeInlayHints = this.changed.event;
  private readonly estimates = new Map<string, QuickEstimate>();
  private readonly estimating = new Map<string, AbortController>();

  constructor(
    private readonly parts: LanguageParts,
    private readonly checks: Pick<ConfigChecks, 'get' | 'onDidCheck'>,
    data: Pick<DataChecks, 'onDidCheck'>,
  ) {
    super();
    this.register(languages.registerInlayHintsProvider(CONFIG_SELECTOR, this));
    this.register(checks.onDidCheck((uri) => this.onChecked(uri)));
    this.register({ dispose: () => this.estimating.forEach((abort) => abort.abort()) });
    // Samples and steps are known only now.
    this.register(data.onDidCheck(() => this.changed.fire()));
  }

  async provideInlayHints(document: TextDocument, range: Range, token: CancellationToken): Promise<InlayHint[]> {
    const request = { path: document.uri.fsPath, text: document.getText() };
    const found = await languageCall(this.parts, 'config/hints', request, token);
    if (!found) return [];
    const memory = this.estimates.get(document.uri.toString());
    const hints = found.hints.map((hint) => toHint(hint));
    if (memory && found.memoryAt) hints.push(memoryHint(memory, found.memoryAt));
    return hints.filter(({ position }) => position.line >= range.start.line && position.line <= range.end.line);
  }

  private onChecked(uri: Uri): void {
    this.changed.fire();
    void this.estimate(uri);
  }

  /** Apart from the other figures, which need no graph to be made and are there at once. */
  private async estimate(uri: Uri): Promise<void> {
    const key = uri.toString();
    this.estimating.get(key)?.abort();
    this.estimates.delete(key);
    const document = workspace.textDocuments.find((open) => open.uri.toString() === key);
    // Only a configuration without errors has a summary.
    if (!document || !this.checks.get(uri)?.summary) return;
    const abort = new AbortController();
    this.estimating.set(key, abort);
    try {
      const request = { path: uri.fsPath, text: document.getText() };
      const found = await this.parts.kernel.call('config/estimate', request, { signal: abort.signal });
      if (abort.signal.aborted) return;
      this.estimates.set(key, found);
      this.changed.fire();
    } catch (error) {
      if (!isCancelled(error))
        this.parts.log.debug(`estimate: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function toHint(hint: ConfigHint): InlayHint {
  const { label, tooltip } = words(hint);
  return made(hint, label, tooltip);
}

function made({ line, column }: HintPlace, label: string, tooltip: string) {
  const hint = new InlayHint(new Position(line - 1, column - 1), label);
  hint.paddingLeft = true;
  hint.tooltip = new MarkdownString(tooltip);
  return hint;
}

function words(hint: ConfigHint): { readonly label: string; readonly tooltip: string } {
  switch (hint.kind) {
    case 'parameters': {
      const share = formatNumber(Number(((100 * hint.trainable) / hint.base).toPrecision(2)));
      return {
        label: l10n.t('{0} trainable, {1} % of the base', formatCount(hint.trainable), share),
        tooltip: l10n.t(
          '{0} of {1} parameters are trained.',
          hint.trainable.toLocaleString(),
          hint.base.toLocaleString(),
        ),
      };
    }
    case 'modules':
      return {
        label: l10n.t('{0} of {1} linear layers', hint.matched, hint.total),
        tooltip: l10n.t('Layers of the base model that get an adapter.'),
      };
    case 'samples':
      return {
        label:
          hint.evaluation > 0
            ? l10n.t('{0} samples, {1} for evaluation', hint.samples.toLocaleString(), hint.evaluation.toLocaleString())
            : l10n.t('{0} samples', hint.samples.toLocaleString()),
        tooltip: l10n.t('Samples that can be trained on: those without a token that carries loss are left out.'),
      };
    case 'batch':
      return {
        label: l10n.t('{0} samples a step', hint.samples.toLocaleString()),
        tooltip: l10n.t('Effective batch size: samples of a batch times accumulated batches.'),
      };
    case 'steps': {
      const epochs = formatNumber(Number(hint.epochs.toPrecision(3)));
      return {
        label: l10n.t('{0} steps, {1} an epoch', hint.total.toLocaleString(), hint.perEpoch.toLocaleString()),
        tooltip: l10n.t('Optimiser steps of the run; in an epoch all samples are read once. Epochs: {0}.', epochs),
      };
    }
  }
}

function memoryHint({ peakBytes, basis, tokensPerBatch }: QuickEstimate, place: HintPlace): InlayHint {
  const size = formatBytes(peakBytes);
  const label = basis === 'tokens' ? l10n.t('about {0} at the peak', size) : l10n.t('up to {0} at the peak', size);
  const tooltip =
    basis === 'tokens'
      ? l10n.t('Estimated memory of the run with batches of up to {0} tokens, from the data.', tokensPerBatch)
      : l10n.t(
          'Estimated memory of the run if every sample is as long as max_length: {0} tokens a batch.',
          tokensPerBatch,
        );
  return made(place, label, tooltip);
}
