import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);
var EXIT={ok:0,failed:1,usage:2,archive:3,unreachable:4,interrupted:130,terminated:143};export{EXIT};
