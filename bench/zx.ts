import { HalfSipHash } from "../src/stores/memory/halfsiphash.ts";
import { Table } from "../src/stores/memory/table.ts";
import { RowPlan } from "../src/row.ts";
import { compileLimit } from "../src/limit.ts";
import { RateLimitResult } from "../src/result.ts";
import { memoryStore } from "../mod.ts";
const N=100_000; const M=400_000;
function fresh(i:number){ return "10."+(i>>>16)+"."+((i>>>8)&255)+"."+(i&255); }
let seed=1; const rnd=()=>{seed=(Math.imul(seed,1664525)+1013904223)>>>0; return seed};
const idx=new Uint32Array(M); for(let i=0;i<M;i++) idx[i]=Math.floor(rnd()/4294967296*N);
let s=0; const now=Date.now();
const row=new RowPlan([compileLimit("100/1m")]); const rule={name:"d",mode:"enforce" as const,row};
const h=new HalfSipHash(1,2); const t=new Table(200000,2); const p=t.enrol(row);
for(let i=0;i<N;i++){ h.digest(fresh(i)); t.claim(p,h,0,1)}
const led=memoryStore().open("x",rule,()=>{});
const F:Record<string,(x:string)=>void>={
 strings:(x)=>{s+=x.charCodeAt(3)}, hash:(x)=>{h.digest(x); s+=h.low}, find:(x)=>{h.digest(x); s+=t.find(p,h)},
 touch:(x)=>{h.digest(x); s+=t.cells[t.find(p,h)]!},
 take:(x)=>{h.digest(x); const slot=t.find(p,h); row.take(t.cells,slot,now,1); s+=row.verdicts[0]!.remaining},
 result:(x)=>{h.digest(x); const slot=t.find(p,h); row.take(t.cells,slot,now,1); s+=new RateLimitResult(rule,x,now,"memory").remaining},
 ledger:(x)=>{ s+=led.take(x,now,1).remaining },
};
const time=(f:(x:string)=>void)=>{const t=performance.now(); for(let i=0;i<M;i++) f(fresh(idx[i]!)); return (performance.now()-t)/M*1e6};
const R:Record<string,number[]>={};
for(let r=0;r<12;r++) for(const k in F) (R[k]??=[]).push(time(F[k]!));
for(const k in R) console.log(k, R[k]!.slice(2).sort((a,b)=>a-b)[4]!.toFixed(0));
