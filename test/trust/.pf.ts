import { killLoop } from './kill-loop.ts'
import { Witness } from './witness.ts'
const orig = Witness.prototype.look
let look = 0
Witness.prototype.look = async function () { const t = performance.now(); try { return await orig.call(this) } finally { look += performance.now() - t } }
const t0 = performance.now()
const c0 = process.cpuUsage()
await killLoop({ kills: 50, seed: 7 })
console.log({ total: performance.now()-t0, look, cpu: process.cpuUsage(c0), children: process.resourceUsage() })
