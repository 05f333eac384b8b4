/** @file Entry of the estimate page. */
import '../shared/loadTexts';
import './estimate.css';
import type { EstimatePage } from '../protocol/estimate';
import { acquireApi, connectHost } from '../shared/host';
import { Estimate } from './app';
import { EstimateStore } from './store';

const api = acquireApi();
const store = new EstimateStore(connectHost<EstimatePage>(api, window), api);
const page = new Estimate();
page.store = store;
document.body.append(page);
void store.open();
