/** @file The part of ElementInternals that the components call and the simulated DOM lacks. Form participation is not tested there. */
if (!('attachInternals' in HTMLElement.prototype)) {
  Object.defineProperty(HTMLElement.prototype, 'attachInternals', {
    value: () => ({ form: null, setFormValue: () => {}, setValidity: () => {}, checkValidity: () => true }),
  });
}
