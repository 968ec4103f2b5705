// Preloaded into a server, moves its wall clock AHEAD_SECONDS into the future. The monotonic clock
// stays. It asks the kernel itself and resolves no symbol, so that sanitizers, which read the clock
// while they start, get along with it (libfaketime and a statically linked ASan do not).
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static long ahead_s(void) {
    static const char name[] = "AHEAD_SECONDS=";
    static long known = -1;
    if (known >= 0) return known;
    if (!environ) return 0;
    long found = 0;
    for (char** entry = environ; *entry; entry++) {
        unsigned i = 0;
        while (name[i] && (*entry)[i] == name[i]) i++;
        if (name[i]) continue;
        for (const char* digit = *entry + i; *digit >= '0' && *digit <= '9'; digit++) {
            found = found * 10 + (*digit - '0');
        }
    }
    return known = found;
}

int clock_gettime(clockid_t id, struct timespec* to) {
    if (syscall(SYS_clock_gettime, id, to) != 0) return -1;
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) to->tv_sec += ahead_s();
    return 0;
}

int gettimeofday(struct timeval* restrict to, void* restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t* to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}
