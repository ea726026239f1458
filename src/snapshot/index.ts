export { readBody } from './body.ts'
export { Keeper, type Site } from './keeper.ts'
export { LocalSnapshots } from './local.ts'
export { findSnapshot, type Kept, scanBehind } from './opening.ts'
