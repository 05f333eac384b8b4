/** @file What the configuration form may ask of the editor, and what it hears. The document is the truth; the form shows it. */
import type { Problem } from '../../kernels/protocol/errors';
import type { ConfigSummary } from '../../kernels/protocol/kernelApi';

export type KeyPath = readonly (string | number)[];

export interface FormDocument {
  /** Path of the file relative to its workspace folder; what the person sees as its name. */
  readonly name: string;
  readonly uri: string;
  readonly isDirty: boolean;
  /** The last change was made in the form: it can be taken back there. */
  readonly canUndo: boolean;
  /** The document as plain values, exactly as written (no defaults filled in); null while the YAML does not parse. */
  readonly values: Readonly<Record<string, unknown>> | null;
  readonly problems: readonly Problem[];
  readonly summary?: ConfigSummary;
  /** What the base model is for: fields that can take effect on the other kind alone are not shown. Absent: not known. */
  readonly modelKind?: 'text' | 'labels';
  /** What follows from the values, in words, by the key it is about: `8 of 28 linear layers`. */
  readonly figures: Readonly<Record<string, string>>;
}

export interface FormSnapshot {
  /** The one JSON Schema of the configuration: fields, titles, help, defaults, limits, `x-` hints. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** The configuration that is shown; null when the workspace has none. */
  readonly document: FormDocument | null;
  readonly configurations: readonly { readonly uri: string; readonly name: string }[];
  /** False in an untrusted workspace: viewing yes, training no. */
  readonly canTrain: boolean;
}

export interface ConfigFormPage {
  calls: {
    /** The first call of a page, made once: what an earlier page in the same place still waited for is forgotten. */
    'page/open'(p: object): FormSnapshot;
    /** One undoable edit of the document; `value` undefined removes the key, so that its default applies. */
    'form/set'(p: { uri: string; path: KeyPath; value?: unknown }): void;
    /** Takes back the last change that the form made, as another edit of the document. */
    'form/undo'(p: { uri: string }): void;
    /** Shows another configuration of the workspace in the form. */
    'form/select'(p: { uri: string }): void;
    /** Lets the person choose a file or folder for a path field; the edit is made by the host. */
    'form/browse'(p: { uri: string; path: KeyPath; kind: 'file' | 'folder' }): void;
    'form/command'(p: { command: 'train' | 'openText' | 'new' }): void;
  };
  events: { 'form/changed': FormSnapshot };
}
