/* without_io_uring ERRNO COMMAND…: becomes the command, under a seccomp filter that answers io_uring_setup with ERRNO, as container
   runtimes do. */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments) {
    if (count < 3) return 2;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)atoi(arguments[1])), SCMP_SYS(io_uring_setup), 0);
    if (result == 0) result = seccomp_load(filter);
    if (result != 0) {
        fprintf(stderr, "the filter can't be loaded: error %d\n", -result);
        return 2;
    }
    seccomp_release(filter);
    execvp(arguments[2], arguments + 2);
    perror(arguments[2]);
    return 2;
}
