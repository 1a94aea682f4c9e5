#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>

int exchange_paths(const char *a, const char *b) { return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE); }

int get_processors(void *mask, size_t bytes) { return sched_getaffinity(0, bytes, mask); }
int set_processors(pid_t thread, const void *mask, size_t bytes) { return sched_setaffinity(thread, bytes, mask); }

int set_heap_arenas(int most) { return mallopt(M_ARENA_MAX, most); }
