/** @file The first fifty-four chemical elements, to xenon: symbol and name, in the order of their atomic number. */

export interface Element {
  readonly symbol: string;
  readonly name: string;
  readonly number: number;
}

const TABLE = `
H hydrogen, He helium, Li lithium, Be beryllium, B boron, C carbon, N nitrogen, O oxygen, F fluorine, Ne neon,
Na sodium, Mg magnesium, Al aluminium, Si silicon, P phosphorus, S sulfur, Cl chlorine, Ar argon, K potassium, Ca calcium,
Sc scandium, Ti titanium, V vanadium, Cr chromium, Mn manganese, Fe iron, Co cobalt, Ni nickel, Cu copper, Zn zinc,
Ga gallium, Ge germanium, As arsenic, Se selenium, Br bromine, Kr krypton, Rb rubidium, Sr strontium, Y yttrium, Zr zirconium,
Nb niobium, Mo molybdenum, Tc technetium, Ru ruthenium, Rh rhodium, Pd palladium, Ag silver, Cd cadmium, In indium, Sn tin,
Sb antimony, Te tellurium, I iodine, Xe xenon`;

export const ELEMENTS: readonly Element[] = TABLE.trim()
  .split(/,\s+/)
  .map((entry, index) => {
    const [symbol = '', name = ''] = entry.split(' ');
    return { symbol, name, number: index + 1 };
  });
