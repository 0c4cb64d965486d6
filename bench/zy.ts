import * as k from "../mod.ts";
import { MemoryStore } from "hono-rate-limiter";
const N=100_000; const B=10_000, ROUNDS=60;
const W=12; const names=Array.from({length:N},(_,i)=>("10."+(i>>>16)+"."+((i>>>8)&255)+"."+(i&255)).padEnd(W,".")); const all=names.join("");
const lens=Uint8Array.from(names,(n)=>n.replace(/\.+$/,"").length);
let seed=1; const rnd=()=>{seed=(Math.imul(seed,1664525)+1013904223)>>>0; return seed};
let s=0; const batch:string[]=new Array(B);
function refill(){ for(let i=0;i<B;i++){ const j=Math.floor(rnd()/4294967296*N); batch[i]=all.slice(j*W,j*W+lens[j]!); } }
const l=k.createRateLimiter({limit:"100/1m",store:k.memoryStore()});
const hs=new MemoryStore(); hs.init({windowMs:60000} as never);
const A=()=>{ for(let i=0;i<B;i++) s+=l.limit(batch[i]!).remaining };
const H=()=>{ for(let i=0;i<B;i++) s+=hs.increment(batch[i]!).totalHits };
const C=()=>{ for(let i=0;i<B;i++) s+=batch[i]!.charCodeAt(3) };
const D=()=>{ for(let i=0;i<B;i++) s+=Date.now() };
const time=(f:()=>void)=>{refill(); const t=performance.now(); f(); return (performance.now()-t)/B*1e6};
const R:number[][]=[[],[],[],[]];
for(let r=0;r<ROUNDS*3;r++){ [A,H,C,D].forEach((f,i)=>R[i]!.push(time(f))) }
const med=(a:number[])=>a.slice(ROUNDS).sort((x,y)=>x-y)[ROUNDS]!;
console.log("kvota",med(R[0]!).toFixed(0),"hono",med(R[1]!).toFixed(0),"strings",med(R[2]!).toFixed(0),"Date.now",med(R[3]!).toFixed(0),"ratio",(med(R[1]!)/med(R[0]!)).toFixed(2));
