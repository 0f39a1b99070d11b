#!/usr/bin/env node
import('../bundle/pack.js')
