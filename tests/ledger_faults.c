/* What a disk can do to a log: loaded before the C library, it counts what is written in one folder, and at one of these
   calls does something else.

   LEDGER_FOLDER  the folder that is watched
   LEDGER_FAULT   trace:FILE   every call is written to FILE, and done
                  kill:N       the process ends in place of the N-th call, as by kill -9
                  torn:N       of the N-th call, if it writes, half is done; then the process ends
                  fail:N:ERRNO the N-th call fails
                  rest:N:ERRNO the N-th call fails, and every one after it
                  short:N      of the N-th call, if it writes, half is done, and told

   LEDGER_MARK    a file that is made when the fault happens

   The N-th is counted from 1. All are read at each call, so that a process can ask for a fault when it is ready. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int count = 0;

enum { DO, HALF, HALF_KILL };

static int watched(const char *path)
{
    const char *folder = getenv("LEDGER_FOLDER");
    return folder && getenv("LEDGER_FAULT") && strncmp(path, folder, strlen(folder)) == 0;
}

static int watched_file(int file, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return watched(path);
}

/* What is to be done at this call: -1 to fail with errno set, else DO, HALF or HALF_KILL. */
static int next(const char *call, const char *path)
{
    const char *fault = getenv("LEDGER_FAULT");
    if (strncmp(fault, "trace:", 6) == 0) {
        int file = open(fault + 6, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dprintf(file, "%s %s\n", call, path);
        close(file);
        return DO;
    }
    int at = atoi(strchr(fault, ':') + 1);
    count++;
    if (strncmp(fault, "rest:", 5) == 0 ? count < at : count != at)
        return DO;
    const char *mark = getenv("LEDGER_MARK");
    if (mark)
        close(open(mark, O_WRONLY | O_CREAT, 0600));
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

#define NAMED(name) (snprintf(path, sizeof path, "%s", name), watched(path))

CALLS(fsync, "fsync", watched_file(file, path), (int file), (file))
CALLS(fdatasync, "fsync", watched_file(file, path), (int file), (file))
CALLS(ftruncate, "truncate", watched_file(file, path), (int file, off_t size), (file, size))
CALLS(ftruncate64, "truncate", watched_file(file, path), (int file, off64_t size), (file, size))
CALLS(unlink, "unlink", NAMED(name), (const char *name), (name))
CALLS(rename, "rename", NAMED(from), (const char *from, const char *to), (from, to))
