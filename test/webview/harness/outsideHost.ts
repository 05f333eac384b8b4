/** @file In a page whose host is the document around it: gives the page its `acquireVsCodeApi`, which talks to that document. */
let state: unknown = {};
Object.assign(window, {
  acquireVsCodeApi: () => ({
    postMessage: (message: unknown) => parent.postMessage(JSON.parse(JSON.stringify(message)), '*'),
    getState: () => state,
    setState: (next: unknown) => (state = next),
  }),
});

export {};
