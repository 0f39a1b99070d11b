import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);
var args=process.argv.slice(2);for(let stream of[process.stdout,process.stderr])stream.on("error",error=>{throw error.code==="EPIPE"&&process.exit(0),error});if(args.length===1&&(args[0]==="--version"||args[0]==="-V")){let{version}=await import("./version-BQXCEB7S.js");process.stdout.write(`${version()}
`)}else{let{run}=await import("./run-4GOA35IL.js"),code=await run(args);await Promise.all([process.stdout,process.stderr].map(stream=>new Promise(done=>stream.write("",done)))),process.exit(code)}
