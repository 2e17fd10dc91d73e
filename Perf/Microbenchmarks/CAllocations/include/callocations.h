/* Counts the process's allocations: this target's malloc and its kin stand before the C library's, for Swift's run-time too. */
#ifndef MARTLET_CALLOCATIONS_H
#define MARTLET_CALLOCATIONS_H

#include <stdint.h>

uint64_t callocations_count(void);

#endif
