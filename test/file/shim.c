// Makes system calls fail as some file systems do. Preloaded into a child (shim.ts); what is in the
// environment variables is the error's number.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int fails(const char *variable) {
  const char *number = getenv(variable);
  if (!number) return 0;
  errno = atoi(number);
  return 1;
}

static int is_directory(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
}

static int is_for_reading(int fd) { return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY; }

int fsync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  if (is_directory(fd) && fails("FAIL_SYNC_DIRECTORY")) return -1;
  return real(fd);
}

int fdatasync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  if (is_for_reading(fd) && fails("FAIL_SYNC_READER")) return -1;
  return real(fd);
}

int link(const char *from, const char *to) {
  int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "link");
  return fails("FAIL_LINK") ? -1 : real(from, to);
}
