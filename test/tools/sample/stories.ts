/** @file Little stories about invented people and towns: they teach the base to carry a name it has never seen through a text. */
import type { Dice } from './dice';
import {
  COLOURS,
  GOODS,
  MONTHS,
  NAME_ENDS,
  NAME_STARTS,
  NUMBERS,
  PLACES,
  THINGS,
  TOWN_ENDS,
  TOWN_STARTS,
  TRADES,
  WEEKDAYS,
} from './world/words';

interface Person {
  readonly name: string;
  readonly he: string;
  readonly his: string;
}

/** One story of four to nine sentences. */
export function story(dice: Dice): string {
  return dice.pick([shopping, lostThing, journey, portrait])(dice).join(' ');
}

function shopping(dice: Dice): string[] {
  const [buyer, friend] = twoPeople(dice);
  const town = townName(dice);
  const goods = dice.pick(GOODS);
  const bought = dice.between(3, 12);
  const given = dice.between(1, bought - 1);
  return [
    `${buyer.name} lives in ${town}.`,
    `One ${dice.pick(WEEKDAYS)} ${buyer.he} went to the ${dice.pick(PLACES)} and bought ${count(bought)} ${goods}.`,
    `On the way home ${buyer.he} met ${friend.name}.`,
    dice.pick([
      `"Where have you been?" asked ${friend.name}. "I have been shopping," said ${buyer.name}.`,
      `${friend.name} was tired and carried nothing.`,
    ]),
    `${buyer.name} gave ${count(given)} of the ${goods} to ${friend.name} and kept ${count(bought - given)}.`,
    `So ${friend.name} had ${count(given)} and ${buyer.name} had ${count(bought - given)}.`,
  ];
}

function lostThing(dice: Dice): string[] {
  const [owner, finder] = twoPeople(dice);
  const thing = `${dice.pick(COLOURS)} ${dice.pick(THINGS)}`;
  const place = dice.pick(PLACES);
  return [
    `${owner.name} had a ${thing}.`,
    `One morning the ${thing} was gone.`,
    `"Have you seen my ${thing}?" ${owner.he} asked ${finder.name}.`,
    dice.pick([
      `${finder.name} had not seen it, but they looked together.`,
      `"No," said ${finder.name}, "but let us look for it."`,
    ]),
    `They looked at the ${dice.pick(PLACES)} first and then at the ${place}.`,
    `At last ${finder.name} found the ${thing} at the ${place} and gave it back to ${owner.name}.`,
    `${owner.name} thanked ${finder.name}.`,
  ];
}

function journey(dice: Dice): string[] {
  const [traveller, host] = twoPeople(dice);
  const from = townName(dice);
  const to = townName(dice);
  const days = dice.between(2, 9);
  return [
    `In ${dice.pick(MONTHS)} ${traveller.name} left ${from} and travelled to ${to}.`,
    `The journey from ${from} to ${to} took ${count(days)} days.`,
    `In ${to} ${traveller.he} stayed with ${host.name}, a ${dice.pick(TRADES)}.`,
    `${host.name} showed ${traveller.name} the ${dice.pick(PLACES)} and the ${dice.pick(PLACES)}.`,
    `After ${count(dice.between(2, 12))} weeks ${traveller.name} said goodbye to ${host.name} and went home to ${from}.`,
  ];
}

function portrait(dice: Dice): string[] {
  const [person, child] = twoPeople(dice);
  const town = townName(dice);
  const trade = dice.pick(TRADES);
  const year = dice.between(1700, 1950);
  return [
    `${person.name} was born in ${town} in ${year}.`,
    `${capital(person.he)} was a ${trade}, like ${person.his} ${dice.pick(['father', 'mother', 'uncle', 'aunt'])}.`,
    `Every ${dice.pick(WEEKDAYS)} the ${trade} ${person.name} worked at the ${dice.pick(PLACES)} of ${town}.`,
    `In ${year + dice.between(20, 40)} ${person.name} had a child named ${child.name}.`,
    `${child.name} grew up in ${town} and became a ${dice.pick(TRADES)}.`,
  ];
}

function twoPeople(dice: Dice): [Person, Person] {
  return [person(dice), person(dice)];
}

/** A first name put together from two syllables. */
export function personName(dice: Dice): string {
  return dice.pick(NAME_STARTS) + dice.pick(NAME_ENDS);
}

function person(dice: Dice): Person {
  const name = personName(dice);
  return dice.chance(0.5) ? { name, he: 'he', his: 'his' } : { name, he: 'she', his: 'her' };
}

function townName(dice: Dice): string {
  return dice.pick(TOWN_STARTS) + dice.pick(TOWN_ENDS);
}

function count(n: number): string {
  return NUMBERS[n] ?? String(n);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
