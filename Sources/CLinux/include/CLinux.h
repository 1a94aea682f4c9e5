// System calls that Swift's Glibc module does not show. Each returns 0, or -1 with errno, unless it says otherwise.
#pragma once

#include <stddef.h>
#include <sys/types.h>

// Exchanges two paths of one file system in one step (renameat2 with RENAME_EXCHANGE). EINVAL where the file system cannot.
int exchange_paths(const char *a, const char *b);

// The processors that a thread may run on, a bit each (sched_getaffinity, sched_setaffinity): of the calling thread, and of any by its id.
int get_processors(void *mask, size_t bytes);
int set_processors(pid_t thread, const void *mask, size_t bytes);
// Lets the heap have so many parts (malloc's arenas) before threads share them. 1, or 0 when that is refused.
int set_heap_arenas(int most);
