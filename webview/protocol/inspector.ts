/** @file What the inspector may ask of the editor, and what it hears. The page shows; the engine reads the files. */
import type {
  InspectedContents,
  ModuleMeasures,
  ModuleSpectrum,
  TensorFacts,
  Tile,
  TileRequest,
} from '../../kernels/protocol/calls/inspect';
import type { Problem } from '../../kernels/protocol/errors';

/** What is wrong with the files, in place of what they hold. */
export interface RefusedContents {
  readonly kind: 'refused';
  /** What was said when there are no single problems. */
  readonly message: string;
  readonly problems: readonly Problem[];
}

export interface InspectorSnapshot {
  /** File or folder name. */
  readonly name: string;
  /** Path relative to the workspace, or the whole path outside of it. */
  readonly place: string;
  readonly contents: InspectedContents | RefusedContents;
  /** Rises whenever the files have changed; what was read from them before is out of date. */
  readonly revision: number;
  /** False in an untrusted workspace: viewing yes; merging and running no. */
  readonly isTrusted: boolean;
}

export type InspectorCommand = 'merge' | 'convert' | 'tryIt' | 'check' | 'showConfig' | 'showLog';

export interface InspectorPage {
  calls: {
    /** The first call of a page, made once: what an earlier page in the same place still waited for is forgotten. */
    'page/open'(p: object): InspectorSnapshot;
    /** Reads the headers again. */
    'inspector/reload'(p: object): InspectorSnapshot;
    /** Norms and measures of every module of an adapter. Reports progress. */
    'inspector/modules'(p: object): { modules: readonly ModuleMeasures[] };
    'inspector/module'(p: { module: string }): ModuleSpectrum;
    /** A part of a matrix for a heat map. Reports progress. */
    'inspector/tile'(p: TileRequest): Tile;
    /** Reads all of a tensor. Reports progress. */
    'inspector/statistics'(p: { tensor: string; bins: number }): TensorFacts;
    'inspector/command'(p: { command: InspectorCommand }): void;
    'save/png'(p: { name: string; dataUrl: string }): void;
  };
  /** After a change of the files on disk, or when the workspace became trusted. */
  events: { 'inspector/changed': InspectorSnapshot };
}
