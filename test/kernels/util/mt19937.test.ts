import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Mt19937 } from '../../../kernels/util/mt19937';

// Expected numbers: PyTorch 2.13, CPU, torch.manual_seed(seed).
const first = (values: Float32Array, n = 8) => [...values.subarray(0, n)];
const expectNear = (actual: readonly number[], expected: readonly number[]) =>
  expected.forEach((e, i) => expect(Math.abs((actual[i] ?? NaN) - e)).toBeLessThan(5e-7 * Math.max(1, Math.abs(e))));

describe('MT19937 draws the numbers of PyTorch', () => {
  test('uniform float32, to the bit', () => {
    expect(first(new Mt19937(0).uniform(new Float32Array(5)))).toEqual([
      0.49625658988952637, 0.7682217955589294, 0.08847743272781372, 0.13203048706054688, 0.30742281675338745,
    ]);
    const many = new Mt19937(42).uniform(new Float32Array(1000), -0.3, 0.7);
    expect(createHash('sha256').update(many).digest('hex')).toBe(
      '89c2de668781bbee6ff0e298f2ecb12fa0332438db27448aff9ffa3a492e9f8f',
    );
  });

  test('uniform float64', () => {
    const random = new Mt19937(0);
    expect(Array.from({ length: 5 }, () => random.uniform64())).toEqual([
      0.9700530018065531, 0.707819864399788, 0.45938294312745087, 0.9207476841219603, 0.6450241201227648,
    ]);
  });

  test('kaiming uniform, to the bit', () => {
    const a = new Mt19937(0).kaimingUniform(new Float32Array(8 * 576), 576);
    expect(first(a)).toEqual([
      -0.00031195086194202304, 0.022351816296577454, -0.03429354727268219, -0.030664127320051193, -0.016048099845647812,
      0.011173224076628685, -0.0008255491848103702, 0.03303706273436546,
    ]);
    expect(a.at(-1)).toBe(0.03613696247339249);
    const b = new Mt19937(123456789).kaimingUniform(new Float32Array(16 * 100), 100);
    expect(first(b, 2)).toEqual([-0.018949223682284355, 0.021235991269350052]);
    expect(b.at(-1)).toBe(-0.0665554329752922);
  });

  test('few normal values, in pairs that go on in the next call', () => {
    const random = new Mt19937(0);
    expectNear(
      first(random.normal(new Float32Array(5))),
      [1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0.5684312582015991, -1.0845223665237427],
    );
    expectNear(
      first(random.normal(new Float32Array(5))),
      [-1.3985954523086548, 0.40334683656692505, 0.8380263447761536, -0.7192575931549072, -0.40334352850914],
    );
  });

  test('many normal values, whether or not sixteen divides their number', () => {
    const random = new Mt19937(0);
    const twenty = random.normal(new Float32Array(20));
    expectNear(
      first(twenty),
      [
        -1.1258398294448853, -1.152360200881958, -0.2505785822868347, -0.4338788092136383, 0.5988394618034363,
        -1.5550950765609741, -0.3413603901863098, 1.85300612449646,
      ],
    );
    expectNear([twenty.at(-1) ?? NaN], [0.05373690277338028]);
    expectNear(
      first(random.normal(new Float32Array(16)), 3),
      [0.4396958351135254, 0.11241118609905243, 0.6407923698425293],
    );
    const scaled = new Mt19937(3).normal(new Float32Array(37), 1.5, 0.1);
    expectNear(first(scaled, 3), [1.492335557937622, 1.535988211631775, 1.4217983484268188]);
    expectNear([scaled.at(-1) ?? NaN], [1.5724239349365234]);
  });
});
