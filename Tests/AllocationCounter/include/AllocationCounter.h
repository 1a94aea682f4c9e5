// Counts the heap allocations of the calling thread. Linked into the test program, its functions take the place of the C
// library's and call on to it.
#pragma once

// Calls of malloc, calloc, realloc, posix_memalign and aligned_alloc on this thread so far.
long allocation_count(void);
