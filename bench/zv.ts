import * as k from "../mod.ts";
import { MemoryStore } from "hono-rate-limiter";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { MemoryStore as ES } from "express-rate-limit";
import process from "node:process";
const N=100_000; const B=10_000, ROUNDS=60;
const W=12; const names=Array.from({length:N},(_,i)=>("10."+(i>>>16)+"."+((i>>>8)&255)+"."+(i&255)).padEnd(W,".")); const all=names.join("");
const lens=Uint8Array.from(names,(n)=>n.replace(/\.+$/,"").length);
let seed=1; const rnd=()=>{seed=(Math.imul(seed,1664525)+1013904223)>>>0; return seed};
let s=0; const batch:string[]=new Array(B);
function refill(){ for(let i=0;i<B;i++){ const j=Math.floor(rnd()/4294967296*N); batch[i]=all.slice(j*W,j*W+lens[j]!); } }
const l=k.createRateLimiter({limit:"100/1m",store:k.memoryStore()});
const hs=new MemoryStore(); hs.init({windowMs:60000} as never);
const es=new ES(); es.init({windowMs:60000} as never);
const F:Record<string,()=>void|Promise<void>>={
 kvota(){ for(let i=0;i<B;i++) s+=l.limit(batch[i]!).remaining },
 hono(){ for(let i=0;i<B;i++) s+=hs.increment(batch[i]!).totalHits },
 async express(){ for(let i=0;i<B;i++) s+=(await es.increment(batch[i]!)).totalHits },
};
const f=F[process.argv[2]!]!; const R:number[]=[];
for(let r=0;r<ROUNDS*3;r++){ refill(); const t=performance.now(); const p=f(); if(p) await p; R.push((performance.now()-t)/B*1e6) }
console.log(process.argv[2],R.slice(ROUNDS).sort((x,y)=>x-y)[ROUNDS]!.toFixed(0));
process.exit();
