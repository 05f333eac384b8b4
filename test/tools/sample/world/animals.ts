/** @file Animals with their article, what their young are called (empty where there is no everyday word), and what kind of animal they are. */

export interface Animal {
  readonly name: string;
  readonly young: string;
  readonly kind: string;
}

const TABLE = `
a horse|a foal|a mammal
a donkey|a foal|a mammal
a zebra|a foal|a mammal
a cow|a calf|a mammal
a whale|a calf|a mammal
a dolphin|a calf|a mammal
an elephant|a calf|a mammal
a giraffe|a calf|a mammal
a camel|a calf|a mammal
a moose|a calf|a mammal
a rhinoceros|a calf|a mammal
a hippopotamus|a calf|a mammal
a dog|a puppy|a mammal
a cat|a kitten|a mammal
a sheep|a lamb|a mammal
a goat|a kid|a mammal
a pig|a piglet|a mammal
a deer|a fawn|a mammal
a bear|a cub|a mammal
a lion|a cub|a mammal
a tiger|a cub|a mammal
a leopard|a cub|a mammal
a badger|a cub|a mammal
a fox|a cub|a mammal
a wolf|a pup|a mammal
a seal|a pup|a mammal
an otter|a pup|a mammal
a bat|a pup|a mammal
a mouse|a pup|a mammal
a rabbit|a kit|a mammal
a beaver|a kit|a mammal
a hare|a leveret|a mammal
a hedgehog|a hoglet|a mammal
a kangaroo|a joey|a mammal
a koala|a joey|a mammal
a wombat|a joey|a mammal
a llama|a cria|a mammal
an alpaca|a cria|a mammal
a platypus|a puggle|a mammal
a duck|a duckling|a bird
a goose|a gosling|a bird
a swan|a cygnet|a bird
an eagle|an eaglet|a bird
an owl|an owlet|a bird
a hen|a chick|a bird
a penguin|a chick|a bird
a crane|a chick|a bird
a pigeon|a squab|a bird
a turkey|a poult|a bird
a sparrow||a bird
a raven||a bird
a parrot||a bird
a frog|a tadpole|an amphibian
a toad|a tadpole|an amphibian
a newt||an amphibian
a salamander||an amphibian
a turtle|a hatchling|a reptile
a crocodile|a hatchling|a reptile
a lizard||a reptile
a snake||a reptile
an eel|an elver|a fish
a trout||a fish
a herring||a fish
a cod||a fish
a shark||a fish
a butterfly|a caterpillar|an insect
a moth|a caterpillar|an insect
a bee||an insect
an ant||an insect
a beetle||an insect
a spider|a spiderling|an arachnid
a scorpion||an arachnid`;

export const ANIMALS: readonly Animal[] = TABLE.trim()
  .split('\n')
  .map((line) => {
    const [name = '', young = '', kind = ''] = line.split('|');
    return { name, young, kind };
  });
