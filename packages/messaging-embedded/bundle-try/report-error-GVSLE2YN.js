import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);
import{errorText,startFailureCode}from"./chunk-LIUJ25Z3.js";import"./chunk-Y3WKDFUT.js";import"./chunk-EF43EO2B.js";import"./chunk-NAS5QO37.js";export{errorText,startFailureCode};
