/** @file Who may import whom. Everything that is not allowed by the table is an error; each rule says why. */

/** What stands below trainer and merge; they do not know each other. */
const engine = [
  'adapters',
  'analysis',
  'config',
  'data',
  'delta',
  'formats',
  'graph',
  'models',
  'protocol',
  'runs',
  'runtime',
  'util',
  'weights',
].map((name) => `kernels/${name}`);

/** Folder -> what it may import besides itself, and the reason. */
const layers = {
  extension: {
    may: ['kernels/protocol', 'webview/protocol'],
    why: 'The editor host stays light: the engine runs in its own process and pages run in the browser; it meets both in protocol folders.',
  },
  webview: {
    may: ['kernels/protocol'],
    why: 'A page knows its own code and the shared types; everything else comes by message.',
  },
  'webview/protocol': {
    may: ['kernels/protocol'],
    why: 'Imported by host and page, so it may need nothing that runs somewhere in particular.',
  },
  'kernels/protocol': {
    may: [],
    why: 'Imported by all three worlds, so it may need nothing that runs somewhere in particular.',
  },
  'kernels/util': { may: ['kernels/protocol/errors'], why: 'The bottom layer: errors are all it knows of the rest.' },
  'kernels/graph': {
    may: ['kernels/util', 'kernels/protocol/errors'],
    why: 'The graph is mathematics: it knows no model, adapter, file or runtime.',
  },
  'kernels/formats': {
    may: ['kernels/util', 'kernels/protocol/errors'],
    why: 'File formats stand alone, so that each can be read and tested without the engine.',
  },
  'kernels/runtime': {
    may: ['kernels/graph', 'kernels/formats/dtype', 'kernels/util', 'kernels/protocol'],
    why: 'A runtime executes graphs; what they compute is not its business.',
  },
  'kernels/models': {
    may: ['kernels/graph', 'kernels/formats', 'kernels/util', 'kernels/protocol'],
    why: 'A model offers its linear maps through ApplyLinear and never learns which adapter sits there.',
  },
  'kernels/adapters': {
    may: ['kernels/graph', 'kernels/formats', 'kernels/models/types', 'kernels/util', 'kernels/protocol'],
    why: 'An adapter method works on any model, so it may know only the types of one.',
  },
  'kernels/config': {
    may: ['kernels/adapters/(registry|types)', 'kernels/formats', 'kernels/util', 'kernels/protocol'],
    why: 'The schema of the configuration comes from the adapter registry; reading one needs no engine.',
  },
  'kernels/data': {
    may: ['kernels/formats', 'kernels/util', 'kernels/protocol'],
    why: 'Samples become tokens without a model.',
  },
  'kernels/runs': {
    may: ['kernels/formats', 'kernels/util', 'kernels/protocol'],
    why: 'The run folder is a format that other programs write too.',
  },
  'kernels/analysis': {
    may: ['kernels/formats', 'kernels/util', 'kernels/protocol'],
    why: 'Analyses look at tensors, wherever they come from.',
  },
  'kernels/delta': {
    may: [
      'kernels/adapters',
      'kernels/analysis',
      'kernels/formats',
      'kernels/graph',
      'kernels/models/types',
      'kernels/runtime',
      'kernels/util',
      'kernels/protocol',
    ],
    why: 'What an adapter changes in a layer is the method, its tensors and a weight; whose weight it is, others know.',
  },
  'kernels/weights': {
    may: ['adapters', 'analysis', 'delta', 'formats', 'graph', 'models', 'protocol', 'runs', 'runtime', 'util'].map(
      (n) => `kernels/${n}`,
    ),
    why: 'Merged weights are needed by merging and by training with restarts, so they stand below both.',
  },
  'kernels/inspect': {
    may: [
      'kernels/adapters',
      'kernels/analysis',
      'kernels/delta',
      'kernels/formats',
      'kernels/models/types',
      'kernels/protocol',
    ],
    why: 'Looking into files needs no model; where a delta weight has no factors, the runtime computes it in kernels/delta.',
  },
  'kernels/check': {
    may: [...engine, 'kernels/inspect', 'kernels/trainer'],
    why: 'A check reads with the readers of a run, above them and without a process around it.',
  },
  'kernels/language': {
    may: [...engine, 'kernels/check', 'kernels/inspect', 'kernels/trainer'],
    why: 'Help while writing says what a run would do, so it asks what a run asks, without a process around it.',
  },
  'kernels/merge': { below: true, why: 'Below the server: merging must work without a process around it.' },
  'kernels/trainer': { below: true, why: 'Below the server: training must work without a process around it.' },
  'kernels/server': {
    may: ['kernels'],
    why: 'The entry of the process puts the engine together; it is no part of the editor.',
  },
};

/** All our folders; the table speaks of them only, packages and built-ins have rules of their own. */
const ours = '^(extension|webview|kernels|test)/';

const layerRules = Object.entries(layers).map(([folder, { may, below, why }]) => {
  const allowed = [folder, ...(below ? engine : may)].map((path) => `^${path}(/|\\.ts$|$)`);
  // webview/protocol is stricter than webview, so the outer rule leaves it to its own.
  const inner = folder === 'webview' ? ['^webview/protocol/'] : [];
  return {
    name: `${folder.replace('/', '-')}-imports`,
    severity: 'error',
    comment: why,
    from: { path: `^${folder}/`, ...(inner.length > 0 ? { pathNot: inner } : {}) },
    to: { path: ours, pathNot: allowed },
  };
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'one-door-to-ort',
      severity: 'error',
      comment: 'Native code is loaded in one file, in one process.',
      from: { path: '^(extension|webview|kernels)/', pathNot: '^kernels/runtime/ort\\.ts$' },
      to: { path: 'onnxruntime-' },
    },
    {
      name: 'vscode-only-in-extension',
      severity: 'error',
      comment: 'The engine also runs without an editor, and pages have no access to it.',
      from: { path: '^(webview|kernels)/' },
      to: { path: '(^|/)vscode$|@types/vscode/' },
    },
    {
      name: 'no-node-in-pages',
      severity: 'error',
      comment: 'Pages run in a browser.',
      from: { path: '^webview/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-node-in-protocol-and-graph',
      severity: 'error',
      comment: 'Protocols are shared with pages; the graph is mathematics without files and processes.',
      from: { path: '^(kernels/(protocol|graph)|webview/protocol)/' },
      // Joining paths touches no file.
      to: { dependencyTypes: ['core'], pathNot: '^path$' },
    },
    {
      name: 'methods-stand-alone',
      severity: 'error',
      comment:
        'One adapter method never imports another; what they share is in adapters/lowRank.ts and its neighbours.',
      from: { path: '^kernels/adapters/methods/([^/]+)\\.ts$' },
      to: { path: '^kernels/adapters/methods/', pathNot: '^kernels/adapters/methods/$1\\.ts$' },
    },
    {
      name: 'no-product-code-needs-tests',
      severity: 'error',
      comment: 'What ships must build without the test folder.',
      from: { path: '^(extension|webview|kernels)/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that need each other are one idea, or one of them holds a piece that belongs below both.',
      from: {},
      // Types may know each other, as a value its graph and a graph its values: those imports are gone when compiled.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'A path or a package that is not there. vscode is given by the editor.',
      from: {},
      to: { couldNotResolve: true, pathNot: '^vscode$' },
    },
    {
      name: 'no-unlisted-package',
      severity: 'error',
      comment: 'A package that package.json does not name is there by luck.',
      from: { path: '^(extension|webview|kernels|test)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], pathNot: '^vscode$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^test/host/node_modules' },
    // Imports of types count: a type from the wrong side is the first step.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
