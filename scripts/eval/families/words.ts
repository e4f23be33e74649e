/** One pool of words for all classes of both families: no name, object or letter belongs to a class. */
export const NAMES = ['Tom', 'Ann', 'Sam', 'Eva', 'Leo', 'Mia', 'Ben', 'Zoe', 'Max', 'Ida', 'Jon', 'Amy', 'Kim', 'Ron', 'Liv', 'Dan'];
export const OBJECTS = ['pens', 'cups', 'hats', 'books', 'coins', 'cards', 'balls', 'shoes', 'keys', 'stones', 'rings', 'bowls', 'maps', 'lamps', 'toys', 'eggs'];
export const GAINS = ['finds', 'buys', 'gets'];
export const LOSSES = ['loses', 'sells', 'drops'];
export const PLACES = ['', '', ' today', ' at home', ' at school', ' in town'];
export const LETTERS = [...'abcdefghiklmno'];
export const VERBS = ['write', 'say', 'give', 'show'];
