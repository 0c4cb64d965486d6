import * as k from "../mod.ts";
import { HalfSipHash } from "../src/stores/memory/halfsiphash.ts";
import { Table } from "../src/stores/memory/table.ts";
import { RowPlan } from "../src/row.ts";
import { compileLimit } from "../src/limit.ts";
import { RateLimitResult } from "../src/result.ts";
import { readClock } from "../src/clock.ts";
const N=100_000; const M=2_000_000;
function fresh(i:number){ return "10."+(i>>>16)+"."+((i>>>8)&255)+"."+(i&255); }
let seed=1; const rnd=()=>{seed=(Math.imul(seed,1664525)+1013904223)>>>0; return seed};
const idx=new Uint32Array(M); for(let i=0;i<M;i++) idx[i]=Math.floor(rnd()/4294967296*N);
function bench(name:string,f:(k:string,i:number)=>unknown){ let best=1e9; for(let r=0;r<5;r++){ const t=performance.now(); for(let i=0;i<M;i++) f(fresh(idx[i]!),i); const d=performance.now()-t; best=Math.min(best,d/M*1e6) } console.log(name,best.toFixed(0),"ns"); }
let s=0;
bench("strings+flatten",(x)=>{s+=x.charCodeAt(3)});
const h=new HalfSipHash(1,2);
bench("hash",(x)=>{h.digest(x); s+=h.low});
const row=new RowPlan([compileLimit("100/1m")]);
const t=new Table(200000,2); const p=t.enrol(row);
for(let i=0;i<N;i++){ h.digest(fresh(i)); t.claim(p,h,0,1)}
bench("hash+find",(x)=>{h.digest(x); s+=t.find(p,h)});
let now=Date.now();
bench("hash+find+take",(x)=>{h.digest(x); const slot=t.find(p,h); row.take(t.cells,slot*2,now,1); s+=row.verdicts[0]!.remaining});
const rule={name:"d",mode:"enforce" as const,row};
bench("hash+find+take+result",(x)=>{h.digest(x); const slot=t.find(p,h); row.take(t.cells,slot*2,now,1); const r=new RateLimitResult(rule,x,now,"memory"); s+=r.remaining});
bench("clock",(x,i)=>{s+=readClock(Date.now)});
const l=k.createRateLimiter({limit:"100/1m",store:k.memoryStore()});
bench("kvota",(x)=>{ s+=l.limit(x).remaining });
const ms=k.memoryStore(); const led=ms.open("x",rule,()=>{});
bench("ledger.take fixed now",(x)=>{ s+=led.take(x,now,1).remaining });
bench("ledger.take Date.now",(x)=>{ s+=led.take(x,Date.now(),1).remaining });
const l2=k.createRateLimiter({limit:"100/1m",store:k.memoryStore(),clock:()=>now});
bench("kvota fixed clock",(x)=>{ s+=l2.limit(x).remaining });
