#!/usr/bin/env node
import('../bundle/create.js')
