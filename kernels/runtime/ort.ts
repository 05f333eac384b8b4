/** @file The only importer of onnxruntime-node: compiles ONNX bytes into sessions with the options measured in docs/decisions.md. */
import * as l10n from '@vscode/l10n';
import * as ort from 'onnxruntime-node';
import { KernelError } from '../protocol/errors';
import type { CompileOptions, Device, Feeds, HostTensor, Runtime, Session } from './types';

const TYPE = { f32: 'float32', i32: 'int32', bool: 'bool' } as const;

export const ortRuntime: Runtime = {
  name: `onnxruntime-node ${ort.env.versions.node ?? 'unknown'}`,
  compile: async (model, options) => {
    refuseMissingProvider(options.device);
    try {
      return new OrtSession(await ort.InferenceSession.create(model, sessionOptions(options)));
    } catch (cause) {
      throw new KernelError(
        'runtime/failed',
        l10n.t('the graph could not be compiled for {0}: {1}', options.device, String(cause)),
        {
          cause,
        },
      );
    }
  },
};

/** The library leaves out a provider that it does not have, and would run everything on the CPU. */
function refuseMissingProvider(device: Device): void {
  const present = ort.listSupportedBackends().map(({ name }) => name);
  if (present.includes(device)) return;
  const message = l10n.t(
    'onnxruntime-node has no {0} on {1}-{2}; it has {3}',
    device,
    process.platform,
    process.arch,
    present.join(', '),
  );
  throw new KernelError('runtime/failed', message);
}

function sessionOptions({
  device,
  threads,
  weightsFolder,
  profilePrefix,
}: CompileOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    // The graph is already fused; the optimiser would fold casts of mapped weights into resident copies.
    graphOptimizationLevel: 'disabled',
    enableMemPattern: false,
    // An arena keeps what a session used at its peak, for each batch shape anew; the system's allocator shares it between
    // the shapes for a few per cent of the time. Shrinking the arena after a run has no effect in this version.
    enableCpuMemArena: false,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    ...(profilePrefix && { enableProfiling: true, profileFilePrefix: profilePrefix }),
    extra: {
      session: { disable_prepacking: '1', model_external_initializers_file_folder_path: weightsFolder },
    },
  };
}

class OrtSession implements Session {
  constructor(private readonly session: ort.InferenceSession) {}

  async run(feeds: Feeds): Promise<Readonly<Record<string, Float32Array>>> {
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, toTensor(t)]));
    let results: ort.InferenceSession.OnnxValueMapType;
    try {
      results = await this.session.run(tensors);
    } catch (cause) {
      throw new KernelError('runtime/failed', l10n.t('the runtime failed: {0}', String(cause)), { cause });
    }
    return Object.fromEntries(
      Object.entries(results).map(([name, t]) => {
        if (!(t.data instanceof Float32Array))
          throw new KernelError('internal', `the output ${name} is ${t.type}, expected float32`);
        return [name, t.data];
      }),
    );
  }

  async dispose(): Promise<void> {
    if (this.session.endProfiling) this.session.endProfiling();
    await this.session.release();
  }
}

function toTensor({ dtype, shape, data }: HostTensor): ort.Tensor {
  return new ort.Tensor(TYPE[dtype], data, shape);
}
