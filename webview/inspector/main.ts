/** @file Entry of the inspector page. */
import '../shared/loadTexts';
import './inspector.css';
import type { InspectorPage } from '../protocol/inspector';
import { acquireApi, connectHost } from '../shared/host';
import { watchTheme } from '../shared/theme';
import { Inspector } from './app';
import { InspectorStore } from './store';

const api = acquireApi();
const store = new InspectorStore(connectHost<InspectorPage>(api, window), api);
const page = new Inspector();
page.store = store;
page.theme = watchTheme(document);
document.body.append(page);
void store.open();
