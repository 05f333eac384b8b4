/** @file What the inspector shows: the contents of the file, what was read for them, and what the person chose. */
import { computed, signal, untracked } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import type { Client } from '../../kernels/protocol/channel';
import type {
  AdapterModuleEntry,
  ModuleMeasures,
  ModuleSpectrum,
  TensorEntry,
  TensorFacts,
  Tile,
  TileRequest,
} from '../../kernels/protocol/calls/inspect';
import type { InspectorCommand, InspectorPage, InspectorSnapshot } from '../protocol/inspector';
import { Failures } from '../shared/failures';
import type { VsCodeApi } from '../shared/host';
import { Pull } from '../shared/pull';
import { keptChoices } from '../shared/uiState';

/** Bins of a histogram: narrower ones are not told apart on a plot. */
const BINS = 80;

/** A reading of a tensor that is under way. */
export interface Reading {
  readonly tensor: string;
  readonly fraction: number;
  readonly cancel: () => void;
}

export interface TileOptions {
  readonly signal: AbortSignal;
  readonly onFraction: (fraction: number) => void;
}

const DEFAULTS = {
  module: null as string | null,
  tensor: null as string | null,
  measure: null as string | null,
  /** Which matrix of the module is shown: a parameter, or `delta`. */
  matrix: null as string | null,
  moduleFilter: '',
  tensorFilter: '',
  isLogSigma: false,
  isLogCounts: false,
};

export class InspectorStore {
  readonly failures = new Failures();
  readonly choices;
  readonly snapshot = signal<InspectorSnapshot | null>(null);
  readonly measures = signal<ReadonlyMap<string, ModuleMeasures> | null>(null);
  /** How far the measures of all modules are; null when nothing is being measured. */
  readonly measuring = signal<number | null>(null);
  readonly spectrum = signal<ModuleSpectrum | null>(null);
  readonly facts = signal<ReadonlyMap<string, TensorFacts>>(new Map());
  readonly reading = signal<Reading | null>(null);
  readonly isOpening = signal(true);

  /** The chosen module, or the first one while none, or one that is gone, is chosen. */
  readonly module = computed<AdapterModuleEntry | null>(() => {
    const contents = this.snapshot.value?.contents;
    if (contents?.kind !== 'adapter') return null;
    return contents.modules.find((m) => m.module === this.choices.module.value) ?? contents.modules[0] ?? null;
  });

  /** Of a file or checkpoint all tensors; of an adapter those that belong to no module. */
  readonly tensors = computed<readonly TensorEntry[]>(() => {
    const contents = this.snapshot.value?.contents;
    if (!contents || contents.kind === 'refused') return [];
    return contents.kind === 'adapter' ? contents.saved : contents.tensors;
  });

  readonly tensor = computed<TensorEntry | null>(() => {
    return this.tensors.value.find(({ name }) => name === this.choices.tensor.value) ?? null;
  });

  private readonly spectrumPull = new Pull(() => this.pullSpectrum());
  private measureAbort: AbortController | undefined;

  constructor(
    private readonly host: Client<InspectorPage>,
    api: Pick<VsCodeApi, 'getState' | 'setState'>,
  ) {
    this.choices = keptChoices(api, DEFAULTS);
  }

  async open(): Promise<void> {
    this.host.on('inspector/changed', (snapshot) => this.take(snapshot));
    await this.read('page/open');
  }

  /** Reads the headers again; also the way out of a failed opening. */
  async reload(): Promise<void> {
    await this.read('inspector/reload');
  }

  chooseModule(module: string): void {
    this.choices.module.value = module;
    this.spectrumPull.request();
  }

  chooseTensor(tensor: string): void {
    if (this.reading.value?.tensor !== tensor) this.reading.value?.cancel();
    this.choices.tensor.value = tensor;
  }

  command(command: InspectorCommand): void {
    const names = {
      merge: l10n.t('merge the adapter'),
      convert: l10n.t('convert the adapter'),
      tryIt: l10n.t('try the adapter'),
      check: l10n.t('check the file'),
      showConfig: l10n.t('show the configuration'),
      showLog: l10n.t('show the log'),
    };
    void this.failures.attempt(names[command], this.host.call('inspector/command', { command }));
  }

  savePicture(name: string, dataUrl: string): void {
    void this.failures.attempt(l10n.t('save the picture'), this.host.call('save/png', { name, dataUrl }));
  }

  plotFailed(error: unknown): void {
    this.failures.add(l10n.t('draw a plot'), error);
  }

  /** Undefined when it failed, which is shown then, or was cancelled. */
  tile(request: TileRequest, { signal, onFraction }: TileOptions): Promise<Tile | undefined> {
    const onProgress = ({ fraction = 0 }: { readonly fraction?: number }) => onFraction(fraction);
    const call = this.host.call('inspector/tile', request, { signal, onProgress });
    return this.failures.attempt(l10n.t('read a part of the matrix'), call);
  }

  /** Reads all of a tensor for its statistics and histogram. */
  async readFacts(tensor: string): Promise<void> {
    this.reading.value?.cancel();
    const controller = new AbortController();
    const show = (fraction: number) => ({ tensor, fraction, cancel: () => controller.abort() });
    const own = () => this.reading.value?.tensor === tensor && !controller.signal.aborted;
    this.reading.value = show(0);
    const call = this.host.call(
      'inspector/statistics',
      { tensor, bins: BINS },
      {
        signal: controller.signal,
        onProgress: ({ fraction = 0 }) => {
          if (own()) this.reading.value = show(fraction);
        },
      },
    );
    const revision = this.snapshot.value?.revision;
    const facts = await this.failures.attempt(l10n.t('read the tensor'), call);
    if (this.reading.value?.tensor === tensor) this.reading.value = null;
    if (facts && revision === this.snapshot.value?.revision) {
      this.facts.value = new Map([...this.facts.value, [tensor, facts]]);
    }
  }

  private async read(method: 'page/open' | 'inspector/reload'): Promise<void> {
    this.isOpening.value = true;
    const snapshot = await this.failures.attempt(l10n.t('open the file'), this.host.call(method, {}));
    this.isOpening.value = false;
    // An event may overtake the answer; the newer of the two stays.
    if (snapshot && (this.snapshot.value?.revision ?? -1) <= snapshot.revision) this.take(snapshot);
  }

  /** Everything read before belongs to the file as it was. */
  private take(snapshot: InspectorSnapshot): void {
    this.reading.value?.cancel();
    this.reading.value = null;
    this.facts.value = new Map();
    this.spectrum.value = null;
    this.measures.value = null;
    this.snapshot.value = snapshot;
    if (snapshot.contents.kind !== 'adapter') return;
    this.spectrumPull.request();
    void this.measure();
  }

  private async measure(): Promise<void> {
    this.measureAbort?.abort();
    const controller = (this.measureAbort = new AbortController());
    this.measuring.value = 0;
    const options = {
      signal: controller.signal,
      onProgress: ({ fraction = 0 }: { readonly fraction?: number }) => {
        if (!controller.signal.aborted) this.measuring.value = fraction;
      },
    };
    const call = this.host.call('inspector/modules', {}, options);
    const answer = await this.failures.attempt(l10n.t('measure the modules'), call);
    if (controller.signal.aborted) return;
    this.measuring.value = null;
    if (answer) this.measures.value = new Map(answer.modules.map((m) => [m.module, m]));
  }

  private async pullSpectrum(): Promise<void> {
    const module = untracked(() => this.module.value?.module);
    if (module === undefined) return;
    const call = this.host.call('inspector/module', { module });
    const spectrum = await this.failures.attempt(l10n.t('read the module'), call);
    // For a module that is no longer chosen: the next pull is already due.
    if (spectrum && module === this.module.value?.module) this.spectrum.value = spectrum;
  }
}
