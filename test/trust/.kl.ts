import { killLoop } from './kill-loop.ts'
const t0 = Date.now()
console.log(await killLoop({ kills: Number(process.argv[2]), seed: Number(process.argv[3]), onProgress: (t) => { if (t.kills % 50 === 0) console.log(t.kills, Date.now()-t0) } }), Date.now()-t0)
