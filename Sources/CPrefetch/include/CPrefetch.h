// One hint to the processor that Swift has no word for.
#pragma once

static inline void prefetch_memory(const void *address) { __builtin_prefetch(address); }
