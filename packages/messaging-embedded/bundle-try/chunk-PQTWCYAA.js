import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);
import{readFileSync}from"node:fs";function version(){return JSON.parse(readFileSync(new URL("../package.json",import.meta.url),"utf8")).version}export{version};
