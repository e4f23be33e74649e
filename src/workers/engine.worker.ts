import { expose } from 'comlink';
import { EngineSession } from './engine-session.ts';

expose(new EngineSession());
