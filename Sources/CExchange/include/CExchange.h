// One system call that Swift's Glibc module does not show.
#pragma once

// Exchanges two paths of one file system in one step (renameat2 with RENAME_EXCHANGE). 0, or -1 with errno; EINVAL where the file
// system cannot.
int exchange_paths(const char *a, const char *b);
