// Everything the CPU backend calls, as one module over imported memory.
export { firstOutOfRange, multiply, packColumns, packRows } from './matmul.as';
