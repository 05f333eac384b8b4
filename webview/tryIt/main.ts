/** @file Entry of the page that tries models. */
import '../shared/loadTexts';
import './tryIt.css';
import type { TryItPage } from '../protocol/tryIt';
import { acquireApi, connectHost } from '../shared/host';
import { TryItApp } from './app';
import { TryItStore } from './store';

const api = acquireApi();
const store = new TryItStore(connectHost<TryItPage>(api, window), api);
const page = new TryItApp();
page.store = store;
document.body.append(page);
void store.open();
