/* Preloaded into the server, whose file calls then run on threads (MARTLET_IO_URING=off): fails or ends the process at a chosen call.

   FAULTS holds entries, parted by semicolons, of `call:path:first:count:action`:
     call    pwrite, pread, fdatasync, fsync, rename, unlink, fallocate or ftruncate
     path    a piece of the file's path; empty for any
     first   the number of the first such call that is hit, from 1
     count   how many are hit, 0 for all from then on
     action  kill before it, die after it, torn (half of a write is done, then the end), short (half of it is done), an errno, or
             garble (a read gives other bytes than are there)
   Calls that hit nothing are counted too: FAULTS_LOG names a file that gets a line for each entry, `call:path:calls`, at the end of each
   thousandth call and when the process exits. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum action { NONE, KILL, DIE, TORN, SHORT, GARBLE, ERRNO };
struct fault {
    char call[16], path[64];
    long first, count;
    enum action action;
    int error;
    atomic_long calls;
};
static struct fault faults[16];
static int faultCount;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static void end(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("FAULTS");
    char copy[2048], *save = NULL;
    if (!text) return;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *entry = strtok_r(copy, ";", &save); entry && faultCount < 16; entry = strtok_r(NULL, ";", &save)) {
        struct fault *fault = &faults[faultCount];
        char *piece[5] = {0};
        for (int i = 0; i < 5; i++) piece[i] = strsep(&entry, ":");
        if (!piece[4]) abort();
        snprintf(fault->call, sizeof fault->call, "%s", piece[0]);
        snprintf(fault->path, sizeof fault->path, "%s", piece[1]);
        fault->first = atol(piece[2]);
        fault->count = atol(piece[3]);
        const char *names[] = {"", "kill", "die", "torn", "short", "garble"};
        fault->action = ERRNO;
        fault->error = atoi(piece[4]);
        for (int i = 1; i <= 5; i++)
            if (!strcmp(piece[4], names[i])) fault->action = (enum action)i;
        if (fault->action == ERRNO && fault->error == 0) abort();
        faultCount++;
    }
}

static void report(void) {
    const char *path = getenv("FAULTS_LOG");
    if (!path) return;
    FILE *file = fopen(path, "w");
    if (!file) return;
    for (int i = 0; i < faultCount; i++) fprintf(file, "%s:%s:%ld\n", faults[i].call, faults[i].path, atomic_load(&faults[i].calls));
    fclose(file);
}

__attribute__((destructor)) static void finish(void) { report(); }

/* The fault that this call meets, if any. */
static struct fault *meet(const char *call, const char *path) {
    static atomic_long all;
    if (faultCount && atomic_fetch_add(&all, 1) % 1000 == 999) report();
    for (int i = 0; i < faultCount; i++) {
        struct fault *fault = &faults[i];
        if (strcmp(fault->call, call) || !strstr(path, fault->path)) continue;
        long number = atomic_fetch_add(&fault->calls, 1) + 1;
        if (number < fault->first || (fault->count && number >= fault->first + fault->count)) continue;
        if (fault->action == KILL) end();
        return fault;
    }
    return NULL;
}

static struct fault *meetOpen(const char *call, int descriptor) {
    char name[64], path[1024];
    if (!faultCount) return NULL;
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(name, path, sizeof path - 1);
    path[count < 0 ? 0 : count] = 0;
    return meet(call, path);
}

#define FAIL(fault) \
    if ((fault) && (fault)->action == ERRNO) { errno = (fault)->error; return -1; }
#define ENDED(fault) \
    if ((fault) && ((fault)->action == DIE || (fault)->action == TORN)) end();

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    struct fault *fault = meetOpen("pwrite", descriptor);
    FAIL(fault)
    /* A device writes whole blocks: half of them. */
    if (fault && (fault->action == TORN || fault->action == SHORT)) count = count > 4096 ? (count / 2 + 4095) / 4096 * 4096 : count;
    ssize_t result = REAL(pwrite)(descriptor, bytes, count, offset);
    ENDED(fault)
    return result;
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) { return pwrite(descriptor, bytes, count, offset); }

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) {
    struct fault *fault = meetOpen("pread", descriptor);
    FAIL(fault)
    if (fault && fault->action == SHORT) count = count > 4096 ? (count / 2 + 4095) / 4096 * 4096 : count;
    ssize_t result = REAL(pread)(descriptor, bytes, count, offset);
    if (fault && fault->action == GARBLE && result > 0) ((unsigned char *)bytes)[result / 2] ^= 0x10;
    ENDED(fault)
    return result;
}
ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset) { return pread(descriptor, bytes, count, offset); }

#define ON_DESCRIPTOR(name) \
    int name(int descriptor) { \
        struct fault *fault = meetOpen(#name, descriptor); \
        FAIL(fault) \
        int result = REAL(name)(descriptor); \
        ENDED(fault) \
        return result; \
    }
ON_DESCRIPTOR(fdatasync)
ON_DESCRIPTOR(fsync)

int ftruncate(int descriptor, off_t bytes) {
    struct fault *fault = meetOpen("ftruncate", descriptor);
    FAIL(fault)
    int result = REAL(ftruncate)(descriptor, bytes);
    ENDED(fault)
    return result;
}

int fallocate(int descriptor, int mode, off_t offset, off_t bytes) {
    struct fault *fault = meetOpen("fallocate", descriptor);
    FAIL(fault)
    int result = REAL(fallocate)(descriptor, mode, offset, bytes);
    ENDED(fault)
    return result;
}

int rename(const char *from, const char *to) {
    struct fault *fault = meet("rename", to);
    FAIL(fault)
    int result = REAL(rename)(from, to);
    ENDED(fault)
    return result;
}

int unlink(const char *path) {
    struct fault *fault = meet("unlink", path);
    FAIL(fault)
    int result = REAL(unlink)(path);
    ENDED(fault)
    return result;
}
