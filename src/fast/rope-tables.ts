export { ropeTables } from '../model/rope.ts';
