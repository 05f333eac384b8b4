/** @file The pages there are: a page NAME is `webview/NAME/main.ts`, and its contract `webview/protocol/NAME.ts`. */

export type PageName = 'dashboard' | 'compare' | 'configForm' | 'estimate' | 'inspector' | 'tokens' | 'tryIt';
