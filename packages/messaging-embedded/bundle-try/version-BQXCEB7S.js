import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);
import{version}from"./chunk-PQTWCYAA.js";import"./chunk-NAS5QO37.js";export{version};
