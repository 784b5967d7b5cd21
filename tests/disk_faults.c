/* What a disk can do to a program: loaded before the C library, it counts what is done in one folder, and at one of
   these calls does something else. And a clock that is wrong.

   FAULT_FOLDER  the folder that is watched
   FAULT         trace:FILE   every call is written to FILE, and done
                 kill:N       the process ends in place of the N-th call, as by kill -9
                 torn:N       of the N-th call, if it writes, half is done; then the process ends
                 fail:N:ERRNO the N-th call fails
                 rest:N:ERRNO the N-th call fails, and every one after it
                 short:N      of the N-th call, if it writes, half is done, and told

   FAULT_CALLS   which calls are counted: those that change a file, or take one away or move it; with `all` also those
                 that make a file, a folder or a link; with `reads` only those that open a file to read it
   FAULT_MARK    a file that is made when the fault happens
   FAULT_CLOCK   seconds by which the clock is ahead

   The N-th is counted from 1. All are read at each call, so that a process can ask for a fault when it is ready. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static int count = 0;

enum { DO, HALF, HALF_KILL };

enum { CHANGES, MAKES, READS };

static int counted(int sort)
{
    const char *calls = getenv("FAULT_CALLS");
    if (!calls)
        return sort == CHANGES;
    return strcmp(calls, "reads") == 0 ? sort == READS : sort != READS;
}

static int watched(const char *path, int sort)
{
    const char *folder = getenv("FAULT_FOLDER");
    if (!folder || !getenv("FAULT") || !counted(sort))
        return 0;
    char whole[PATH_MAX];
    if (path[0] != '/' && getcwd(whole, sizeof whole))
        return strncmp(whole, folder, strlen(folder)) == 0;
    return strncmp(path, folder, strlen(folder)) == 0;
}

static int watched_file(int file, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return path[0] == '/' && watched(path, CHANGES);  /* no pipe */
}

/* What is to be done at this call: -1 to fail with errno set, else DO, HALF or HALF_KILL. */
static int next(const char *call, const char *path)
{
    const char *fault = getenv("FAULT");
    if (strncmp(fault, "trace:", 6) == 0) {
        int file = openat(AT_FDCWD, fault + 6, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dprintf(file, "%s %s\n", call, path);
        close(file);
        return DO;
    }
    int at = atoi(strchr(fault, ':') + 1);
    count++;
    if (strncmp(fault, "rest:", 5) == 0 ? count < at : count != at)
        return DO;
    const char *mark = getenv("FAULT_MARK");
    if (mark)
        close(openat(AT_FDCWD, mark, O_WRONLY | O_CREAT, 0600));
    if (strncmp(fault, "kill:", 5) == 0)
        kill(getpid(), SIGKILL);
    if (strncmp(fault, "torn:", 5) == 0)
        return HALF_KILL;
    if (strncmp(fault, "short:", 6) == 0)
        return HALF;
    errno = atoi(strrchr(fault, ':') + 1);
    return -1;
}

#define WRITES(name, parameters, arguments)                                                                            \
    ssize_t name parameters                                                                                            \
    {                                                                                                                  \
        static ssize_t(*real) parameters;                                                                              \
        char path[PATH_MAX];                                                                                           \
        if (!real)                                                                                                     \
            real = dlsym(RTLD_NEXT, #name);                                                                            \
        if (!watched_file(file, path))                                                                                 \
            return real arguments;                                                                                     \
        int what = next("write", path);                                                                                \
        if (what < 0)                                                                                                  \
            return -1;                                                                                                 \
        if (what != DO && size > 1)                                                                                    \
            size /= 2;                                                                                                 \
        ssize_t done = real arguments;                                                                                 \
        if (what == HALF_KILL)                                                                                         \
            kill(getpid(), SIGKILL);                                                                                   \
        return done;                                                                                                   \
    }

WRITES(write, (int file, const void *data, size_t size), (file, data, size))
WRITES(pwrite, (int file, const void *data, size_t size, off_t place), (file, data, size, place))
WRITES(pwrite64, (int file, const void *data, size_t size, off64_t place), (file, data, size, place))

#define CALLS(name, said, watch, parameters, arguments)                                                                \
    int name parameters                                                                                                \
    {                                                                                                                  \
        static int(*real) parameters;                                                                                  \
        char path[PATH_MAX];                                                                                           \
        if (!real)                                                                                                     \
            real = dlsym(RTLD_NEXT, #name);                                                                            \
        if (watch) {                                                                                                   \
            int what = next(said, path);                                                                               \
            if (what < 0)                                                                                              \
                return -1;                                                                                             \
            if (what == HALF_KILL)                                                                                     \
                kill(getpid(), SIGKILL);                                                                               \
        }                                                                                                              \
        return real arguments;                                                                                         \
    }

#define NAMED(name) (snprintf(path, sizeof path, "%s", name), watched(path, CHANGES))
#define MADE(name) (snprintf(path, sizeof path, "%s", name), watched(path, MAKES))

CALLS(fsync, "fsync", watched_file(file, path), (int file), (file))
CALLS(fdatasync, "fsync", watched_file(file, path), (int file), (file))
CALLS(ftruncate, "truncate", watched_file(file, path), (int file, off_t size), (file, size))
CALLS(ftruncate64, "truncate", watched_file(file, path), (int file, off64_t size), (file, size))
CALLS(unlink, "unlink", NAMED(name), (const char *name), (name))
CALLS(rename, "rename", NAMED(from), (const char *from, const char *to), (from, to))
CALLS(mkdir, "mkdir", MADE(name), (const char *name, mode_t mode), (name, mode))
CALLS(link, "link", MADE(to), (const char *from, const char *to), (from, to))
CALLS(symlink, "symlink", MADE(to), (const char *from, const char *to), (from, to))
CALLS(linkat, "link", MADE(to), (int at, const char *from, int in, const char *to, int flags), (at, from, in, to, flags))

#define OPENS(name, parameters, named, last, arguments)                                                                \
    int name parameters                                                                                                \
    {                                                                                                                  \
        static int(*real) parameters;                                                                                  \
        char path[PATH_MAX];                                                                                           \
        mode_t mode = 0;                                                                                               \
        va_list given;                                                                                                 \
        va_start(given, last);                                                                                         \
        if (flags & (O_CREAT | O_TMPFILE))                                                                             \
            mode = va_arg(given, mode_t);                                                                              \
        va_end(given);                                                                                                 \
        if (!real)                                                                                                     \
            real = dlsym(RTLD_NEXT, #name);                                                                            \
        snprintf(path, sizeof path, "%s", named);                                                                      \
        int makes = flags & (O_CREAT | O_TRUNC);                                                                       \
        if ((makes || (flags & O_ACCMODE) == O_RDONLY) && !(flags & O_DIRECTORY) &&                                    \
            watched(path, makes ? MAKES : READS)) {                                                                    \
            int what = next(makes ? "create" : "open", path);                                                          \
            if (what < 0)                                                                                              \
                return -1;                                                                                             \
            if (what == HALF_KILL)                                                                                     \
                kill(getpid(), SIGKILL);                                                                               \
        }                                                                                                              \
        return real arguments;                                                                                         \
    }

OPENS(open, (const char *name, int flags, ...), name, flags, (name, flags, mode))
OPENS(open64, (const char *name, int flags, ...), name, flags, (name, flags, mode))

/* the clock */

static time_t ahead(void)
{
    const char *seconds = getenv("FAULT_CLOCK");
    return seconds ? atoll(seconds) : 0;
}

int clock_gettime(clockid_t which, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(which, now);
    if (done == 0 && which == CLOCK_REALTIME)
        now->tv_sec += ahead();
    return done;
}

time_t time(time_t *now)
{
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now)
        *now = found.tv_sec;
    return found.tv_sec;
}

int gettimeofday(struct timeval *now, __attribute__((unused)) void *zone)
{
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

/* whoever looks can tell that this is loaded */
int citelog_faults = 1;
