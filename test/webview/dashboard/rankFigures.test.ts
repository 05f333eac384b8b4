import { describe, expect, it } from 'vitest';
import { rankLines, rankMap, spectrumFigure } from '../../../webview/dashboard/rankFigures';
import { readTheme } from '../../../webview/shared/theme';
import { RANKS } from './answers';

const look = {
  isMatrixNamed: false,
  theme: readTheme(document),
  marks: [{ x: 1, label: 'Adapter merged and begun anew after step 1' }],
};
const nothingChosen = { detail: null, module: null };

describe('rank figures', () => {
  it('draws the mean over the layers of each projection, without the gaps', () => {
    const { figure, legend } = rankLines(RANKS, 'stable_rank', nothingChosen, look);
    expect(figure.curves.map(({ name, y }) => [name, Array.from(y)])).toEqual([
      ['q_proj, mean of 2', [2, 2]],
      ['lm_head', [5, 6]],
    ]);
    expect(legend.map(({ name }) => name)).toEqual(['q_proj', 'lm_head']);
  });

  it('says of which matrix the curves are where a run has several', () => {
    const direction = { ...RANKS, of: 'direction' } as const;
    const named = { ...look, isMatrixNamed: true };
    expect(rankLines(direction, 'stable_rank', nothingChosen, named).figure.title).toBe(
      'Stable rank of the directional update over training',
    );
    expect(rankMap(RANKS, 'effective_rank', 1, true).figure.title).toBe('Effective rank of the delta weight at step 4');
    const spectrum = { of: 'direction', module: 'm', steps: [], values: [] } as const;
    expect(spectrumFigure(spectrum, false, named).title).toBe('Singular values of the directional update of m');
  });

  it('marks what happened to the run', () => {
    expect(rankLines(RANKS, 'stable_rank', nothingChosen, look).figure.marks).toEqual(look.marks);
    expect(spectrumFigure(null, false, look).marks).toEqual(look.marks);
  });

  it('adds single modules on demand, and the chosen one', () => {
    const choice = { detail: 'q_proj', module: 'model.layers.1.self_attn.q_proj' };
    const names = rankLines(RANKS, 'stable_rank', choice, look).figure.curves.map(({ name }) => name);
    expect(names).toEqual([
      'model.layers.0.self_attn.q_proj',
      'model.layers.1.self_attn.q_proj',
      'q_proj, mean of 2',
      'lm_head',
      'layers.1.self_attn.q_proj (chosen)',
    ]);
  });

  it('gives no two projections the same colour and dash', () => {
    const modules = Array.from({ length: 40 }, (_, i) => ({ name: `m${i}`, layer: 0, projection: `p${i}` }));
    const values = modules.map(() => [1, 2]);
    const measures = { stable_rank: values, effective_rank: values, 'above_0.1': values, above_relative: values };
    const { legend } = rankLines({ of: 'delta', steps: [0, 1], modules, measures }, 'stable_rank', nothingChosen, look);
    expect(new Set(legend.map(({ style }) => `${style.color} ${style.dash}`)).size).toBe(40);
  });

  it('lays modules out by projection and layer, with holes where there is none', () => {
    const map = rankMap(RANKS, 'stable_rank', 1, false);
    expect(map.figure.columns).toEqual(['0', '1', 'none']);
    expect(map.figure.values).toEqual([
      [2, null, null],
      [null, null, 6],
    ]);
    expect(map.modules[0]).toEqual(['model.layers.0.self_attn.q_proj', 'model.layers.1.self_attn.q_proj', null]);
    expect(map.figure.scale).toEqual([1, 6]);
  });

  it('draws one curve for each singular value', () => {
    const figure = spectrumFigure({ of: 'delta', module: 'm', steps: [0, 4], values: [[3], [2, 1]] }, true, look);
    expect(figure.curves.map(({ name, y }) => [name, Array.from(y)])).toEqual([
      ['σ1', [3, 2]],
      ['σ2', [null, 1]],
    ]);
    expect(spectrumFigure(null, false, look).curves).toEqual([]);
  });
});
