/** @file The base of all components: rendered into the page's own tree, and rendered again when a signal it read has changed. */
import { effect } from '@preact/signals-core';
import { LitElement } from 'lit';

export class SignalElement extends LitElement {
  private stopWatching: (() => void) | undefined;

  /** No shadow root, so that labels, descriptions and the page's styles reach every control. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override performUpdate(): void {
    if (!this.isUpdatePending) return;
    this.stopWatching?.();
    // The first run of the effect is this update and notes which signals it reads; a later run asks for the next update.
    let isThisUpdate = true;
    this.stopWatching = effect(() => {
      if (!isThisUpdate) return this.requestUpdate();
      isThisUpdate = false;
      super.performUpdate();
    });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stopWatching?.();
    this.stopWatching = undefined;
  }
}
