export { readBody } from './body.ts'
export { Keeper, type Site } from './keeper.ts'
export { findSnapshot, type Kept, scanBehind } from './opening.ts'
