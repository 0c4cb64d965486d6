import * as k from "../mod.ts";
const N=100_000; const M=2_000_000;
function fresh(i:number){ return "10."+(i>>>16)+"."+((i>>>8)&255)+"."+(i&255); }
let seed=1; const rnd=()=>{seed=(Math.imul(seed,1664525)+1013904223)>>>0; return seed};
const idx=new Uint32Array(M); for(let i=0;i<M;i++) idx[i]=Math.floor(rnd()/4294967296*N);
let s=0; const fixed=Deno.args[0]==="fixed"; const now=Date.now();
const l=k.createRateLimiter(fixed?{limit:"100/1m",store:k.memoryStore(),clock:()=>now}:{limit:"100/1m",store:k.memoryStore()});
for(let r=0;r<7;r++){ const t=performance.now(); for(let i=0;i<M;i++) s+=l.limit(fresh(idx[i]!)).remaining; console.log(((performance.now()-t)/M*1e6).toFixed(0)) }
